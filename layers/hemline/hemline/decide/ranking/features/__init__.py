"""The ranker's features: one block of columns a file, with its names and how it is filled.

Begin with `matrix`. The same functions train and serve, so online and offline are equal to the last bit.
"""
