"""One file a use case. Collaborators are handed in (see `ports`)."""
