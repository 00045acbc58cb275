"""Serve what people look at: the pages, signing in, and who is signed in.

    POST /v1/session {key, agent?}  ->  a session's cookie, which stands for the key from then on
    DELETE /v1/session              ->  signed out, at every process
    GET /v1/me                      ->  tenant, key, scopes, agent, environment; the session's end and CSRF token
    GET /desk, /console             ->  the agents' desktop, the operators' console

A page never keeps a key: it is exchanged once for a cookie that no script can read. Pages use the public HTTP API
alone, as anybody's own desktop may.

Modules:
``app`` puts the service together.
``session_routes`` exchanges keys for sessions, and ends them.
``me`` tells who a key or a session is.
``ended_sessions`` keeps which sessions were signed out, in the store.
``page_routes`` serves the pages and their files, which ``assets`` holds and ``web/`` has.
``first_reads`` reads what a page shows first.
``page_headers`` makes the headers of a page: what it may load, and who may show it in a frame.
``openapi`` describes the service.
"""
