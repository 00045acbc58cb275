"""Map a vendor's webhooks by a declaration in the tenant's configuration, without code.

A declaration is read once (``mapping.compile_mapping``) and becomes closures; reading it collects every mistake with
its place. A closure takes a ``Scope`` and returns a value, ``None`` for what is absent. Nothing of a declaration is
ever evaluated as code, and the work for a notice is linear in the declaration and in the notice.

Modules: ``mistakes`` (and where they are), ``scope`` (what a path may begin at), ``paths``, ``expressions`` and
``operators`` (values), ``moments`` (times), ``people`` (participants and their identifiers), ``fields`` (the members of
an event's data), ``event_ids``, ``events`` (one declared event), ``bodies`` (what a request holds), ``authentication``
and ``signed_content`` (who may send), ``handshakes`` (checks of the URL), ``mapping`` (the whole declaration),
``generic_provider`` (a provider of declarations).
"""
