"""OUT: contexts, histories and threads to whoever serves the customer; what they decide, back onto the log.

    GET  query -> target -> head (whose, which version) -> cache, else store -> body
    POST body  -> what it concerns -> event -> log -> 202 with the event's name

Nothing here changes the store: a decision is an event like any other, and shows once a projector applied it. Who must
see it at once reads with ``at_least``.

Each room is what one asks about, with its ``routes``: ``contexts`` (today's, of a moment, why), ``conversations``
(histories, threads, what agents do), ``identity`` (who is who), ``following`` (streams) and ``events`` (one event
whole, and its files). Below them lie ``requests`` (what every request has in common) and ``decisions`` (events onto the
log, once); above them ``openapi`` describes them and ``app`` puts them together.
"""
