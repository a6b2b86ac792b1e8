"""Training, export and evaluation of the ranker, with the features that serving uses.

Begin with `fitting` (train, evaluate, export) and `replay` (a log replayed as the product sees it).
"""
