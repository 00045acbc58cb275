"""Explain a value of the context document: find the events behind it, and what changed between two times.

Modules:

- ``lineage``: the entry, ``explain_value``: find the events without which a value would be another
- ``source_fields``: which fields of the parts each value of the document is made from, to try fewer events
- ``counterfactual``: render the document as it would be without some events
- ``unchanged_threading``: prove that leaving out an event changes no conversation, to save rendering
- ``diff``: find the values that differ between two states, and the events that changed them
- ``json_pointer``: address values in the document, list items by key instead of index
"""
