"""The IETF's vCon, a container of one conversation, into events and back. Pure.

``reading.take`` tells the forms apart and checks one, ``importing.drafts`` makes it events, ``exporting.export`` makes
a vCon of a conversation's events. What came in as a vCon is kept piece by piece in ``raw`` of the events it became
(``pieces``), so that it goes out as it came.

The drafts: draft-ietf-vcon-vcon-container-00 to -03 (syntax 0.0.1 and 0.0.2), draft-ietf-vcon-vcon-core-00 to -03
(0.3.0 and 0.4.0), and draft-ietf-vcon-cc-extension, whose ``role`` and ``interaction_id`` were members of the core
before. The mapping and its reasons: ``docs/decisions/0012-vcon.md``.
"""
