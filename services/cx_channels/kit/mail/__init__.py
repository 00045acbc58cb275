"""Map mails to events for every provider that brings mails. No I/O, and no provider itself.

Modules: ``mapping`` (a parsed mail becomes drafts of events), ``kinds`` (what a mail may turn out to be),
``raw_mail`` (a raw mail by whichever door), ``settings`` (a connection's mail settings), ``mime`` (raw MIME to parts),
``message`` (writer, thread and text), ``delivery`` (bounces and reports), ``rebuilt`` (a mail of the fields that a
vendor made of it), ``originals`` (what is kept of a mail), ``sent_mail`` (what a vendor tells of a mail that it sent),
``purposes`` (what consent is about).
"""
