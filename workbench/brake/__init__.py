"""Stopping things by hand: the operator's side of the brake."""
