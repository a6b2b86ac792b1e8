"""The ranker's features: one block of columns per file, with its names and how it is filled.

Begin with `matrix`. The same functions train and serve, so online and offline values are bit-identical.
"""
