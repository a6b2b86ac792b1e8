"""Pure decisions: facts, candidates, features, rank, rules, ladder, render. No AWS, clock or randomness."""
