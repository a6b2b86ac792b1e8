"""What all visitors did with all items, as integer sums and as an edition's arrays."""
