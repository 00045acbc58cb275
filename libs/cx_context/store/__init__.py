"""The store: what the projectors keep and the API reads, on SQLite or PostgreSQL.

``open_store(url)`` gives a ``Store``; ``store.writing()`` one transaction of a projector, ``store.reading()`` one of
the API. Rooms: ``port`` (what a store is), ``postgres`` and ``sqlite``, ``tables`` and the ``migrations`` that lead to
them, ``sql`` (one text for both), ``writer`` (what a batch writes: named, set-based steps, never one statement per
event), ``refused`` and ``withheld`` (claims that join nobody), ``holdings`` (where a customer's facts lie), ``reader``
and ``heads`` (what the API asks), ``moments`` (what was so once), ``leases`` (who applies which partition), ``epochs``
(what its versions begin with), ``outbox``, ``dead_letters``.

How writers stay out of each other's way (see docs/decisions/0003-writers.md):

1. a batch locks the rows of its partitions and checks their epochs: one owner each, a zombie's transaction fails;
2. it writes events, profiles, edges, interactions and parts, each set sorted by key; a part's stream has one partition,
   so one writer;
3. last, it takes the tenant's graph lock: shared to look up whose streams it touched and raise their versions,
exclusive
   to change who is who. What was resolved before a merge can't be published after it.

Nothing that another may wait for is deleted. A copy of an event that must *replace* an earlier one (rare: clocks of two
intakes) takes the lock that every batch shares, alone, and folds again from the stored events.
"""

from cx_context.store.open import open_store
from cx_context.store.port import Store

__all__ = ["Store", "open_store"]
