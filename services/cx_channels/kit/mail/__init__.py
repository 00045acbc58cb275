"""Map mails to events for every provider that brings mails. No I/O, and no provider itself.

Modules: ``mapping`` (a parsed mail becomes drafts of events), ``kinds`` (what a mail may turn out to be),
``settings`` (a connection's mail settings), ``mime`` (raw MIME to parts), ``message`` (writer, thread and text),
``delivery`` (bounces and reports).
"""
