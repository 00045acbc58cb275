"""Interpret a parsed mail as a message: who wrote it to whom, when, in which thread, and what is new in its text.

Modules:

- ``people``: writer, recipients and which of them are ours; ``origin`` and ``authentication``: whether the writer's
  address is proved; ``automatic``: mail of machines and mailing lists.
- ``threads``: Message-ID and References; ``dates``: when it was written.
- ``body``: its text, HTML and attachments; ``html``: HTML made safe, and as text.
- ``quotes``: the quoted mail below a reply, found by ``quote_introductions`` and ``quote_heads``; ``signatures``: where
  a signature begins; ``forwards``: forwarded mail.
"""
