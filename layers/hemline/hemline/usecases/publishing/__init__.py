"""The archive and the site file become an edition, and the pointer moves. Begin with `publish`."""
