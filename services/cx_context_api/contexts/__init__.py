"""Answer with the context of one customer: today's, a past one, the reasons for a value, and differences.

    GET  /v1/context, /v1/customers/{id}/context, POST /v1/context/lookup
    GET  /v1/context/brief, POST /v1/context/brief
    GET  /v1/customers/{id}/lineage, /v1/customers/{id}/diff, /v1/customers/{id}/journey

Modules:
``current`` reads today's context, rendered once per version and held in ``body_cache``.
``lookup`` finds the customer of a target; ``event_wait`` waits until events are applied.
``ambiguity`` lists who may be meant by a target that stands for several people.
``as_of`` reads past contexts.
``contact_assurance`` checks the contact that a read names; ``contact_contexts`` reads contexts by it.
``brief`` shortens a context to what a telephone menu or a bot needs; ``brief_routes`` handles those requests.
``lineages`` explains a value, ``diffs`` compares two moments; ``value_sources`` finds the events behind both.
``journey_routes`` handles requests for a journey (``cx_context_api.conversations.journeys``).
``rendered`` holds a context as it is sent.
``routes`` handles the requests.
"""
