"""Who is who: why these identifiers are one person, whose a shared one may be, and what a person decides about it.

GET   /v1/customers/{id}/identity                               explanations
GET   /v1/identity/candidates                                   doubts
POST  /v1/identity/merge, unmerge, attribute, dismiss           judgements; with dry_run suppositions
POST  /v1/identity/whatif                                       whatif
"""
