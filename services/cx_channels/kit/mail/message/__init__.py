"""Interpret a parsed mail as a message: who wrote it to whom, when, in which thread, and what is new in its text.

Modules: ``people`` (writer and recipients), ``origin``, ``authentication`` and ``dkim`` (whether the writer's
address is proved), ``automatic`` (mail of machines and mailing lists), ``threads`` (Message-ID and References),
``dates``,
``body`` (text, HTML and attachments), ``html``, ``enriched``, ``quotes``, ``quote_introductions`` and ``quote_heads``
(the quoted mail below a reply), ``signatures``, ``forwards``.
"""
