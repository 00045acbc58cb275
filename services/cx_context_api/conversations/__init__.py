"""Answer with what was said and done, and take what agents do: histories, conversations, actions, handoffs, tokens.

    GET   /v1/customers/{id}/timeline, /v1/customers/{id}/conversations
    GET   /v1/conversations/{id}, /v1/conversations/{id}/handoff, /v1/conversations/{id}/vcon
    POST  /v1/conversations/{id}/notes, .../resolve, .../link, .../handoffs and others
    POST  /v1/conversations/{id}/continue, /v1/conversations/continue

Modules:
``conversation_lookup`` finds one conversation by any of its ids.
``histories`` pages through timelines and conversations.
``timeline_filters`` narrows a timeline.
``journeys`` pages through a customer's contacts.
``vcon_export`` exports a conversation as vCon; ``vcon_files`` finds the files for it that the hub holds.
``routes`` handles the requests to read.
``agent_actions`` plans what agents do to a conversation; ``agent_action_routes`` handles those requests.
``act_details`` has the details of promises, assignments, snoozes and of taking an act back.
``handoff_actions`` requests, accepts and shows a handoff; ``handoff_packets`` is what the next agent reads.
``continuity_token_issue`` issues a continuity token, ``continuity_token_check`` checks one that is presented.
``continuity_token_attempts`` limits how often a code may be guessed.
``continuity_token_routes`` handles the requests for continuity tokens.
"""
