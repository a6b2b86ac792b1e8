"""The soak's books: what was sent and said, and the verdict on what is stored."""
