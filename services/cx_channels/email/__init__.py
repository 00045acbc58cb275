"""Adapt vendors of email, a folder each."""
