"""Keep what a customer's document is made of from one document to the next, and work out what changed alone.

For customers with thousands of contacts. Everything here equals the plain functions over all parts: ``join_contacts``,
``Document``. It is all pure; whoever reads the store says which parts changed.

Modules:

- ``customer``: a customer's parts, contacts and conversations, kept up to date
- ``document``: the document of a customer that is kept
- ``conversations``: a customer's conversations, made anew where a contact changed
- ``groups``: groups of interactions, so that what is made over all is made anew of one group
"""
