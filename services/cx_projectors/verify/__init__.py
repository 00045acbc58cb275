"""Hold the store against the log and the definition: what ``cx verify`` reports, and what the fault tests call.

- every row of every table is what the events of the log make it, or within the bounds stated for it;
- every record of the log up to the applied offsets is stored once, or lies in the dead letters;
- every customer's context, as a reader gets it, has the bytes of the definition;
- the store's epoch was given to it on the log;
- every blob that an event or a dead letter names is there, and is what its name says.

Modules: ``run`` does all of it, at one moment; ``log_contents`` reads the log; ``expected`` works out what the
definition makes of it; ``tables`` and, where the order of arrival leaves a trace, ``order_dependent`` state what each
table must hold; ``comparison`` holds a table's rows against that; ``blobs`` reads
what is stored apart.
"""

from cx_projectors.verify.run import Findings, verify

__all__ = ["Findings", "verify"]
