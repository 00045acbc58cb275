"""The context of one customer: today, then, and why.

    GET  /v1/context, /v1/customers/{id}/context, POST /v1/context/lookup
    GET  /v1/customers/{id}/lineage, /v1/customers/{id}/diff

``current`` is today's, kept by version and waited for, ``past`` that of a moment; ``at_hand`` tells how sure the
``contact`` is that a read names, and reads what is left where claims are left out; ``lineages`` are the events behind a
value, and between two moments; ``reading`` reads for other rooms what is read the same way then and now.
"""
