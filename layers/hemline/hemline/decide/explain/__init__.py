"""Why each item, variant and section is shown or not: read off a decision that is made again and watched."""
