"""One request: the live edition, the one read, the facts, the decision. Begin with `decide_page`."""
