"""Adapt vendors of social, a folder each."""
