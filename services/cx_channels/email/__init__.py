"""Email providers, a folder each."""
