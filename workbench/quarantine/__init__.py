"""`hemline quarantine`: inspect records that ingest could not process, and replay them after a fix."""
