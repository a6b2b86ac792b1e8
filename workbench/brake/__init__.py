"""`hemline brake`: an operator stops a slot, an item, an edition, the ranker or exploration."""
