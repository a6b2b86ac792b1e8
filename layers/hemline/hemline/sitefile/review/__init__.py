"""A site file reviewed as code: rules that never hold, never win or never end. Begin with `site`."""
