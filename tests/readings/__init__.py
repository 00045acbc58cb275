"""Tell what each recording is, what it must become by its vendor's page, and what it becomes here.

A table is ``NAME.yaml``, one for each folder of recordings: ``door`` (which mapping reads them, a key of
``doors.DOORS``), ``folder`` (below the recordings), optional ``settings`` of the connection, and ``recordings``.
Of each:

- ``file``: its name,
- ``is``: what it is, in words,
- ``page``: the vendor's page, or the section of a standard, that says what it means,
- ``must``: what it must become by that page, written by whoever read both,
- ``became``: what it becomes, a line for each outcome, as ``describing`` writes it.

``must`` is never generated. ``python -m tests.readings NAME...`` writes ``became`` anew, adds new recordings with an
empty ``must``, and prints what changed: read it against ``must`` before it is committed. ``tests.unit.test_readings``
fails where one of these is missing, where a recording is not listed, and where ``became`` is not what the mapping
makes of it today.
"""
