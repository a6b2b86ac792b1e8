"""From sources to a ranked list: candidates, features, exploration, diversity, caps and gaps."""
