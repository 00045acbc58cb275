"""Voice providers, a folder each."""
