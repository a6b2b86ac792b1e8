"""How the variants of content slots do: attributed exposures, and estimates from them."""
