"""Bring what vendors publish and the checks of requests need, apart from intake, which asks no network.

Modules: ``documents`` (what is here, and what is asked for), ``stored`` (shared by all processes), ``pacing`` (how
often a document is asked for), ``worker`` (fetches what is missing or old).
"""
