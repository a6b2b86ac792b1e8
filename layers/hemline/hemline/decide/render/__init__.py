"""A decision as JSON, HTML or email, and the reasons that visitors read."""
