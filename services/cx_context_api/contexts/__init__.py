"""The context of one customer: today, then, and why.

    GET  /v1/context, /v1/customers/{id}/context, POST /v1/context/lookup
    GET  /v1/customers/{id}/lineage, /v1/customers/{id}/diff

Rooms: ``current`` (today's, kept by version and waited for), ``past`` (as of a moment), ``lineages`` (the events behind
a value, and between two moments), ``routes``.
"""
