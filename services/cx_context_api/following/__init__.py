"""Tell clients by server-sent events when what they follow has changed.

    GET /v1/customers/{id}/stream                   a context
    GET /v1/conversations/{id}/stream               a conversation
    GET /v1/stream?agent=ID, /v1/stream?queue=ID    what an agent or a queue has to deal with
    GET /v1/stream?agent=A&queue=Q&customer=C&...   several of all these, over one connection

The store is the truth; ``cx.context-changes`` only says where to look. Each process has one *subscription* for each
thing that is followed, shared by its followers. A change notification, and every heartbeat, makes it read the store
again, so that a lost notification costs time and nothing else. A follower remembers what it sent and queues nothing:
when the client can take more, it gets the latest state, whatever happened in between. See
docs/decisions/0013-following.md.

Modules:
``subscriptions`` holds what is followed, and reads it again when it may have changed.
``notifier`` wakes a follower.
``change_listener`` reads the change notifications.
``customers``, ``conversations`` and ``routing_targets`` are what can be followed, and what followers are told;
``several`` of them at once.
``overdue`` tells which waits of an agent or a queue are longer than is allowed.
``presence`` tells who looks at what, and ``presence_routes`` hears it from agents' pages.
``json_patches`` says how one body becomes the next.
``freshness`` says up to which moment the store is current.
``sse`` encodes server-sent events.
``resume_token`` encodes and checks ``Last-Event-ID``: where a client resumes a stream.
``resuming`` reads what a client has, and tells its follower.
``streams`` runs one follower's stream; ``http_connections`` gives it the request's connection.
``routes`` handles the requests.
"""
