"""Settings, logging, metrics, HTTP in and out, and the composition root."""
