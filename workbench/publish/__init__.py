"""Site files and editions from the command line: `hemline site`, `hemline publish`."""
