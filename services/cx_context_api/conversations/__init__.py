"""What was said and done: a customer's history, one conversation over all channels, and what agents do to it.

GET   /v1/customers/{id}/timeline, /v1/customers/{id}/conversations     histories
GET   /v1/conversations/{id}                                            histories
GET   /v1/conversations/{id}/handoff                                    handoffs
GET   /v1/conversations/{id}/vcon                                       vcons
POST  /v1/conversations/{id}/notes, .../resolve, .../link and others    acts
POST  /v1/conversations/{id}/continue, /v1/conversations/continue       tokens
"""
