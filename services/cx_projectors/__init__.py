"""FOLD: events from the log into contexts, a batch of partitions' records in one transaction.

    records -> decode -> (store events, learn profiles and edges, add to parts) -> who is who -> versions -> offsets

Rooms: ``batch`` (records into facts, pure), ``memory`` (what a worker keeps between batches), ``apply`` (the steps of a
transaction), ``graph`` (who is who, as far as a batch changed it), ``refold`` (a copy that must replace another),
``applier`` (tries, and finding what can't be applied), ``worker`` (leases, reading ahead), ``relay`` (the outbox to
``cx.context-changes``), ``verify`` (the store held against the log and the definition).
"""
