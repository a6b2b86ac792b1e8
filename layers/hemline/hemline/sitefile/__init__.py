"""The reviewed file of a site: YAML in, structs out, every mistake with its line. Begin with `reader`."""
