"""Hold the store against the log and the definition: what ``cx verify`` reports, and what the fault tests call.

- every row of every table is what the events of the log make it, or within the bounds stated for it;
- every record of the log up to the applied offsets is stored once, or lies in the dead letters;
- every customer's context, as a reader gets it, has the bytes of the definition;
- the store's epoch was given to it on the log;
- every blob that an event or a dead letter names is there, and is what its name says.

What has nothing to do with each other is checked apart, so memory does not grow with the log: the log is read into a
file and sorted into ``groups``, rows and records are shared out among buckets of some groups each, and the buckets are
checked one by one.

Modules: ``run`` does all of it; ``log_reading`` reads the log, ``log_contents`` holds records that were read;
``groups`` tells what has to do with each other; ``sharing_out`` fills buckets, in files that ``spools`` writes, below
a ``work_folder``; ``buckets`` checks one; ``expected`` works out what the definition makes of its events; ``tables``
and, where the order of arrival leaves a trace, ``order_dependent`` state what each table must hold, ``lists`` what
those of lists and search must, by ``expected_lists``; ``comparison``
holds a table's rows against that, ``contexts`` each context; ``blobs`` reads what is stored apart; ``findings`` is the
result.
"""

from cx_projectors.verify.findings import Findings
from cx_projectors.verify.run import How, verify

__all__ = ["Findings", "How", "verify"]
