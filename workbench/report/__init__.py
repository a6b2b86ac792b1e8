"""What the archive says about how a site is doing: `hemline report …`."""
