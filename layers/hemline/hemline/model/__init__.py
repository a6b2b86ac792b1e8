"""The nouns, keys and errors that everything shares. No AWS, numpy, clock or HTTP. Begin with `decision`."""
