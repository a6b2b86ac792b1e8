"""The laptop side: command line, local cloud, importers, demo shop, benchmarks. Never in a Lambda."""
