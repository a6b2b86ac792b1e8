"""Reports on a site, computed from its archive: `hemline report …`."""
