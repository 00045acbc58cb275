"""Map WhatsApp's webhooks (Cloud API), which arrive at a door of their own or at Meta's one door.

Modules: ``delivery`` (a delivery taken apart), ``mapping`` (its notices to events, by kind), ``notice`` (one notice,
and its draft), ``people`` (who is who), ``content`` (words and files of messages), ``messages``, ``statuses`` and
``calls`` (kinds of notices), ``kinds`` (kinds that are no event), ``media`` (how files are fetched).
"""
