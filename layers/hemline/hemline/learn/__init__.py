"""What is learned from events: profiles, item statistics, variant estimates. No AWS, clock or randomness."""
