"""Chat providers, a folder each."""
