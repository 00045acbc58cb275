"""Build events, and hold implementations of the ports to their contracts, in tests here and elsewhere.

Modules: ``builders`` (an event in one line); ``histories`` (random histories of a tenant), with ``history_steps``,
``history_events`` and ``history_samples``; ``log_contract``, ``log_reading_contract``, ``log_outage_contract`` and
``blob_contract`` (what every log and blob store must do), with ``log_fixtures`` and ``log_helpers``.
"""
