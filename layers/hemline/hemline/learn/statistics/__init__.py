"""What all visitors did with all items: counts, then an edition's arrays. Begin with `counts`, `arrays`."""
