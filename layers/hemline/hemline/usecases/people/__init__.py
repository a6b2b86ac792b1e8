"""Consent, identity, export and forgetting: what people may ask about themselves."""
