"""People on the command line: who is linked to whom, taking a link back, tokens for developers."""
