"""List every table of a store: what projectors and the API work with, and what operators do."""

from __future__ import annotations

from cx_context.store import listing_tables, operations_tables, tables

METADATA = tables.EVENTS.metadata

assert operations_tables.DEAD_LETTERS.metadata is METADATA
assert listing_tables.SAID.metadata is METADATA
