"""The store held against the log and the definition: what ``cx verify`` says, and what the fault tests call.

- every row of every table is what the events of the log make it, or within the bounds stated for it (``tables``);
- every record of the log up to the applied offsets is stored once, or lies in the dead letters;
- every customer's context, as a reader gets it, has the bytes of the definition;
- the store's epoch was given to it on the log (``announced``).

Rooms: ``told`` (what the log tells), ``expected`` (what the definition makes of it), ``tables`` and
``traces`` (what each table must hold), ``checks`` (a table held against that), ``run`` (all of it, at one moment).
"""

from cx_projectors.verify.run import Findings, verify

__all__ = ["Findings", "verify"]
