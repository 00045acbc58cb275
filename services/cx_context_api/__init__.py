"""Serve contexts, histories and conversations to whoever serves the customer, and take their decisions: the context
API.

    GET  query -> target -> customer and version -> cache, else store -> body
    POST body  -> what it concerns -> event -> log -> 202 with the event's name

Nothing here changes the store. A decision is an event like any other and becomes visible once a projector has applied
it; a client that must see it at once reads with ``at_least``.

Modules:
``app`` puts the service together.
``openapi`` describes it.
``following`` streams changes by server-sent events.
``contexts`` answers with a customer's context: today's, a past one, the reasons for a value, and differences.
``conversations`` answers with histories and conversations, and takes agents' actions, handoffs and tokens.
``identity`` explains who is who, and takes decisions about it: merge, unmerge, attribute, dismiss.
``events`` answers with one event, and with files.
``listing`` answers with lists over all customers, and searches.
``directory_routes`` answers with the agents and queues of the configuration.
``reads`` runs reads of the store: in time, in turn, now or as of a moment.
``decisions`` puts a decision on the log exactly once.
``requests`` reads what every request has in common.
"""
