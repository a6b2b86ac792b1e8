"""The reviewed file of a site: YAML in, the model's structs out, every mistake with its line. Begin with `reader`."""
