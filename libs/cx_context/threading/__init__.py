"""Join a customer's contacts into conversations.

    parts --contacts.contacts_of--> contacts --conversations.join_contacts--> conversations

A contact is one interaction, or one stretch of an interaction that never ends (a messenger thread). Everything here is
a pure function of the set of parts.

Modules:

- ``contacts``: combine a customer's parts into contacts, in order of start
- ``contact_model``: a contact, and how its parts are combined
- ``stretches``: split an endless interaction into stretches
- ``conversations``: join contacts into conversations, and say why each is joined
- ``explicit_joins``: joins by people's links, continuity tokens and shared references
- ``shared_references``: references that several contacts share: message ids, threads, calls, orders, cases
- ``continuity_tokens``: decide which uses of a continuity token count
- ``inferred_joins``: joins by time and matter, which look back only
- ``recent_conversations``: the conversations as they stand when a contact begins, latest first
- ``matters``: what a contact is about, as it stood at any time
- ``join_keys``: contacts by what may join them explicitly
- ``one_contact``: contacts of a conversation that are one, as two systems tell of it
- ``joined_sets``: sets of contacts that grow by joining, and keep splits
"""
