"""Convert vCons, the IETF's containers of one conversation, into events and back. Pure.

What came in as a vCon is kept piece by piece in ``raw`` of its events, so that it is exported as it came.

Modules: ``reading`` (forms, and checks of the shape), ``importing`` (a vCon into events) with ``contacts``,
``parties``, ``content`` and ``transcripts``; ``exporting`` (a conversation into a vCon) with ``builder``, ``people``,
``analysis`` and ``syntax`` (older syntaxes); ``round_trip`` (the pieces in events), ``hashes``, ``json_values``,
``vcon_schemas`` (for OpenAPI).

The drafts: draft-ietf-vcon-vcon-container-00 to -03 (syntax 0.0.1 and 0.0.2), draft-ietf-vcon-vcon-core-00 to -03
(0.3.0 and 0.4.0), and draft-ietf-vcon-cc-extension, whose ``role`` and ``interaction_id`` were members of the core
before. The mapping and its reasons: ``docs/decisions/0012-vcon.md``.
"""
