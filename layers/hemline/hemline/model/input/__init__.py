"""What outsiders send, checked before anything is made of it: JSON, texts, times, refusals."""
