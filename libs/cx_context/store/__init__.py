"""Keep what the projectors write and the API reads, on SQLite or PostgreSQL.

``open_store(url)`` returns a ``Store``: ``store.writing()`` opens one transaction of a projector, ``store.reading()``
one of the API. Statements are named functions by table, set-based: a batch never runs one statement per event.

Modules: opening and drivers: ``open``, ``port`` (the ``Store`` protocol and its errors), ``postgres``, ``sqlite``
with ``sqlite_connections`` and ``sqlite_copy`` (of a backup), ``sql`` (one SQL text for both), ``migrations``.
Tables: ``columns``, ``tables``, ``operations_tables``, ``listing_tables``,
``all_tables``, ``table_shapes``, ``table_check``. By table: ``events``, ``parts`` (with ``part_codec``), ``segments``,
``assignments``, ``graph`` (profiles, edges), ``members``, ``decisions``, ``attributions``, ``rule_changes``,
``first_mentions``, ``refused_claims``, ``withheld_claims`` (both on ``claim_pairs``), ``versions``, ``epochs``,
``leases`` and ``offsets`` (of partitions), ``outbox``, ``dead_letters``, ``discarded_letters``, ``rebuild_rows``,
``fold_versions``, ``lag_samples``, ``subscription_rows``, ``poller_rows``, ``short_lived``,
``typing_rows`` (on it), ``id_keys``,
``listing_queue`` (what lists don't show yet), ``listed_rows``, ``said_rows`` and ``wait_rows`` (their rows),
``single_lease`` (on work that one process does for all), ``table_sizes``,
``table_rows`` and ``copied_rows`` (whole tables, and copies of rows, for ``cx verify``). ``shadow`` is a second set of
tables, to be exchanged with the first. The identity graph: ``graph_view`` (the port), ``current_graph`` (as it is, or
after decisions that are not taken yet), ``as_of_graph`` (as it was within ``time_bounds``), and what is written once
over the port: ``ownership`` (where a customer's facts lie), ``customer_lookup`` (whose an id is),
``settled_identifiers``; besides, ``graph_slices`` (what a resolution reads), ``graph_locks`` and
``identifier_activity``. A customer's facts:
``owned_parts``, ``latest_events``, ``parts_as_of``, ``snapshot`` (all of a moment of the past). For the API's reads:
``listing_inputs`` (for lists), ``listing_pages`` and ``listing_reads`` (what they show), ``searching`` and
``said_postgres``, ``context_inputs``, ``inputs_postgres``, ``context_loader``, ``customer_index``, ``batch_loader``,
``cached_rendering``, ``changed_parts``, ``directories`` (of agents and queues).

Writers stay out of each other's way by four rules (see docs/decisions/0003-writers.md):

1. A batch first locks the rows of its partitions and checks their epochs. Each partition has one owner; the transaction
   of a worker that lost its lease fails.
2. Then it writes events, profiles, edges, interactions and parts, each set sorted by key. A part's stream lives in one
   partition, so a part has one writer.
3. Last, it takes the tenant's graph lock: shared to look up the customers of the streams it touched and to raise their
   versions, and then with the locks of some customers to attach new profiles to them (``graph_locks``); exclusive to
   move profiles. So nothing that was resolved before a merge can be published after it.
4. A row that another transaction may wait for is never deleted. A copy of an event that must *replace* an earlier one
   (rare: the clocks of two intakes differ) takes the lock that all batches share exclusively, and folds again from the
   stored events.
"""

from cx_context.store.open import open_store
from cx_context.store.port import Store

__all__ = ["Store", "open_store"]
