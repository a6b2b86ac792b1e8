"""People on the command line: show who is linked to whom, undo a link, make tokens for developers."""
