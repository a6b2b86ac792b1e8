"""Published contracts generated from the code (OpenAPI, JSON Schemas), and the lint of template.yaml."""
