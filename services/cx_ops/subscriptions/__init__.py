"""Deliver a tenant's events, or notices of changed contexts, to receivers that the configuration names.

    log -> wanted? -> message -> signed POST -> place moved on, or the key waits

At least once, in order within a key of the log: a customer's stream, or a customer. What can't be delivered makes its
key wait, not the others; after 75 hours it is a dead letter and the key goes on, sooner if its content is refused. See
``docs/decisions/0056-subscriptions.md``.

Modules: ``subscription`` (one, as configured), ``messages`` (what a receiver gets of a record), ``delivery`` (sends
records, each key in its order), ``receiver`` (rests while a receiver is down), ``failures`` (what becomes of a record
that was not delivered), ``cursors`` (what a worker keeps in memory and in the store), ``catch_up`` (keys that wait),
``redrive`` (dead letters again), ``worker`` (all of it, for one subscription), ``acts`` (pause, resume, retry, and
their audit), ``overview`` (what operators see).
"""
