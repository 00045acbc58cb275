"""Social providers, a folder each."""
