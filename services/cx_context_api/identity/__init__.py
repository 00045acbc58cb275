"""Explain who is who, and take a person's decisions about it.

    GET   /v1/customers/{id}/identity                       why these identifiers are one person
    GET   /v1/identity/candidates                           identifiers that may be several people's
    POST  /v1/identity/merge, unmerge, attribute, dismiss   decisions; with ``dry_run`` a preview
    POST  /v1/identity/whatif                               other rules, tried out

Modules:
``explanations`` shows a customer's profiles, edges, evidence and decisions.
``candidates`` ranks who may own an identifier; ``candidate_pages`` lists them, ``candidate_views`` shows them as JSON.
``decision_commands`` is the table of decisions.
``merge_and_unmerge`` plans merges, their withdrawal, and keeping two profiles apart.
``attribute_and_dismiss`` plans decisions about one interaction or one candidate.
``decision_plans`` holds a decision's events and whom they concern.
``latest_decisions`` finds the time of the latest decision that a new one may contradict.
``preview`` shows the contexts that a decision would make.
``rules_whatif`` tries other rules on the tenant's facts.
``routes`` handles the requests.
"""
