"""Serve operators: look at the log, at the projectors and at dead letters of a running hub, and repair.

A package for each thing that an operator does.

Modules: ``log_browsing`` (any topic, by place, time or filter), ``event_pages`` (one event, and what it changed),
``lag`` (of each partition), ``projectors`` (who applies what, how fast, for a day), ``dead_letters`` (grouped, tried
again, discarded), ``moments`` (times that an operator names), ``rebuild`` (all that is made of the log, made anew
beside the live), ``topics`` (as declared, and as they are), ``replay`` (records sent once more, elsewhere), ``moving``
(a log to another hub), ``backups``, ``operator_acts`` (what an operator did, as an event), ``sizes`` (bytes of tables
and topics), ``connection_traffic`` (what came last by each connection), ``subscriptions`` (what receivers outside get
as it comes), ``http_routes`` (all of it over HTTP, for keys with the scope ``ops``).
"""
