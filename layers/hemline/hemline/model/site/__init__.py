"""A site as its file states it: slots, rules, templates, alerts, time zones. Begin with `site`, `slot`."""
