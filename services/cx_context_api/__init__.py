"""OUT: contexts, histories and threads to whoever serves the customer; what they decide, back onto the log.

    GET  query -> target -> head (whose, which version) -> cache, else store -> body
    POST body  -> what it concerns -> event -> log -> 202 with the event's name

Nothing here changes the store: a decision is an event like any other, and shows once a projector applied it. Who must
see it at once reads with ``at_least``.

Rooms: ``app`` (composition), ``routes`` (requests to questions), ``queries`` and ``bodies`` (what a request may say),
``contexts`` (the document, cached, waited for), ``past`` (the document as of a moment), ``histories`` (timeline,
threads), ``identities`` (why these are one person), ``suppositions`` (what a decision would do), ``threads`` and
``people`` (decisions), ``decisions`` (events onto the log, once), ``targets``, ``tenancy``, ``cursors``, ``patience``,
``openapi``.
"""
