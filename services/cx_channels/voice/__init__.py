"""Adapt vendors of voice, a folder each."""
