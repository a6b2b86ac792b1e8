"""Kinesis event source mappings on the laptop: read shards, deliver batches, store checkpoints."""
