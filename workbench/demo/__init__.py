"""The demo shop: its catalogue, pages and pictures, and simulated visitors with known tastes."""
