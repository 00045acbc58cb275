"""FOLD: apply the events of the log to the store, batch by batch, each batch in one transaction.

    consume -> read -> plan -> write -> notify

Modules, in the order of an event's walk: ``consumer`` takes partitions and reads ahead; ``records`` reads log records
into classified events, without I/O; ``cache`` keeps what the store is known to have; ``retrying_applier`` applies a
batch until it is applied, and finds the events that can't be; ``write`` runs a batch's transaction; ``identity``
recomputes who is who, as far as a batch changed it; ``relay`` publishes change notifications from the outbox.

Beside the walk: ``replace_copy`` applies a copy that replaces a stored one; ``conflicts`` keeps the dead letters of
copies that differ; ``store_epoch`` gives a store its epoch, and ``epoch_announcements`` checks it against the log;
``tenancy`` is what is known of a tenant beforehand; ``verify`` holds the store against the log and the definition.
"""
