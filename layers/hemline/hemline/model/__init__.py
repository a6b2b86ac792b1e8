"""The nouns. Standard library and msgspec only; knows nothing of AWS, numpy, clocks or HTTP."""
