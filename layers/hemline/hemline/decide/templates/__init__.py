"""A site's own templates: parsed and compiled at publish, rendered with every value escaped by its place."""
