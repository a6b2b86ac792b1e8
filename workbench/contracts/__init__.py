"""The published contracts, generated from the code: OpenAPI and JSON Schemas, and the linted template."""
