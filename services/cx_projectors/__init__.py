"""Apply the events of the log to the store (FOLD), batch by batch, each batch in one transaction.

    consume -> read -> plan -> write -> notify

Modules, in the order of an event's walk: ``consumer`` takes partitions and reads ahead; ``records`` reads log records
into a batch, and ``classify`` works out once what an event says; ``retrying_applier`` applies a batch until it is
applied; ``write`` runs its transaction, the statements in their one order: ``plan`` works out what the new events
change, by what ``cache`` knows of the store; ``evidence_writes`` writes profiles, edges and decisions; ``fold_parts``
writes parts; ``publish`` raises the versions of the customers that changed, after ``identity`` recomputed who is who;
``relay`` publishes change notifications from the outbox, ``listing`` keeps lists and search, and ``overdue`` finds who
waits for longer than a queue allows.

Beside the walk: ``progress_reports`` tells how a consumer gets on; ``partition_counts`` refuses a log with other
partitions; ``repeats`` handles events that are stored already, and ``replace_copy`` a copy that replaces a stored
one; ``dead_letters`` makes dead letters, and ``conflicts`` those of copies that differ; ``outcome`` names how applying
may end; ``store_epoch`` gives a store its epoch, and ``epoch_announcements`` checks it against the log;
``log_identity`` tells a log that is another one; ``tenancy`` is what is known of a tenant beforehand; ``catch_up``
fills a store that no consumer works on, up to given offsets; ``refold`` makes the parts of some streams anew from their
stored events; ``verify`` holds the store against the log and the definition.
"""
