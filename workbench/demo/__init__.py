"""The demo shop: catalogue, pages, and simulated visitors with known tastes."""
