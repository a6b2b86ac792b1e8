"""Training, export and evaluation of the ranker, with the features that serving uses."""
