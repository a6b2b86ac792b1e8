"""The nouns that everything shares, keys and errors. Imports msgspec and the standard library only;
knows no AWS, numpy, clock or HTTP. Begin with `decision` and `events.event`.
"""
