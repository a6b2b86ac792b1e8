"""Forgetting from the operator's side: do it, sweep, and prove that nothing is left."""
