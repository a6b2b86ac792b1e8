"""Receipts: explain, replay and question a decision that was made."""
