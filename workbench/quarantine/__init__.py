"""`hemline quarantine`: what ingest could not take, looked at, and brought in after a fix."""
