"""Why each item, variant and section is shown or not: repeats a decision and observes it."""
