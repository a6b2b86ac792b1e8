"""Records of what clients sent and people asked, and the verdict that compares the stores with them."""
