"""One event: collected, put on the stream, archived and folded into profiles. Begin with `collect` and `batch`."""
