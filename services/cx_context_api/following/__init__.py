"""Following: whoever reads is told when what they read has changed, by server-sent events.

    GET /v1/customers/{id}/stream                   a context
    GET /v1/conversations/{id}/stream               a thread
    GET /v1/stream?agent=ID, /v1/stream?queue=ID    what to deal with now

The store is the truth, ``cx.context-changes`` a hint. In each process there is one *watch* for each thing followed,
shared by its followers: a hint, and every heartbeat, makes it look again at what the store says; so a lost hint costs
time and nothing else. A follower holds what it has given and nothing that waits: when it can be given more, it gets the
latest state, whatever came between. See docs/decisions/0013-following.md.

Rooms: ``watches`` (what is followed, and when to look again), ``notices`` (the hints), ``customers``, ``conversations``
and ``desks`` (what can be followed, and what its followers are told), ``frames`` (the bytes), ``resuming``
(``Last-Event-ID``), ``streams`` (one follower's connection), ``routes`` (the requests).
"""
