"""Hemline: serverless edge personalisation. See the folders for the story of a request."""
