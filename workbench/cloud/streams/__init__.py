"""Kinesis event source mappings on the laptop: shards are read, batches delivered, checkpoints kept."""
