"""Describe this service for OpenAPI, from the same shapes that requests are read by.

Modules:
``operations`` is the table of operations, ``description`` makes OpenAPI's of them.
``parameters`` describes their parameters and problems, ``examples`` gives example bodies.
``schemas`` describes the answers, with ``brief_schemas``, ``event_schemas``, ``identity_schemas``,
``explanation_schemas`` and ``listing_schemas``;
what the body of a context shows is described by its sections (``cx_context.sections``).
``shapes`` has the schemas that several of these answers hold.
"""
