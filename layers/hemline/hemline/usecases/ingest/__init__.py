"""One event: collected, archived, folded into profiles. Begin with `collect` and `batch`."""
