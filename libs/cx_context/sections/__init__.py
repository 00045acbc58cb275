"""Make the context section by section: a file for each, with its fields of the part, its handlers, its view, its
provenance and the schema of what it shows.

Modules:

- the form and the list: ``section``, ``registry``; ``section_inputs`` (what a view is given), ``registers`` (values by
  weight), ``members`` (the customer's profiles), ``words`` (texts within their bounds);
- the customer: ``customer``, ``customer_facts``, ``consents``, ``candidates`` (refused claims), ``proofs``,
  ``assurance`` and ``vouching_facts`` (how sure it is who is there), ``assured_read`` (what is left without claims),
  ``deciding_parts`` (of thousands of parts those that count for that);
- contacts and conversations: ``now``, ``conversations``, ``conversation_facts`` (what is shared), ``unresolved``,
  ``contact_state``, ``messages``, ``attachments``, ``notes``, ``acts``, ``bots``, ``agents``, ``last_agent``,
  ``handoff_acceptances`` (who accepted first, who declined), ``handoffs``, ``handoff_requests``, ``references``,
  ``join_fields`` (what is threaded by);
- at a glance: ``glance``, and ``excerpts``, what it takes from each conversation;
- ``journey``, a contact as a journey tells it, which is no member of the document;
- the rest: ``timeline``, ``counts``, ``sentiment``, ``part_identity`` (what a part is of).
"""
