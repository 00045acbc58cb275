"""Adapt vendors of chat, a folder each."""
