"""What a decision reads: facts with their scopes, and the edition as arrays. Begin with `facts`."""
