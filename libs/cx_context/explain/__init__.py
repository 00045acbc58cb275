"""Explain a value of the context document: find the events behind it, and what changed between two times.

Modules:

- ``lineage``: explain a value: find the events without which it would be another
- ``counterfactual``: render the document as it would be without some events
- ``unchanged_threading``: prove that leaving out an event changes no conversation, to save rendering
- ``provenance``: which fields of the parts each value of the document is made from
- ``diff``: find the values that differ between two states, and the events that changed them
- ``json_pointer``: address values in the document, list items by key instead of index
"""
