"""Define the language of Throughline: what an event is, how it is named, written, checked, logged and stored.

Modules: ``envelope`` (the structs of an event), ``event_type``, ``types`` and ``catalogue`` (which event types there
are), ``codec`` (bytes to events and back), ``upcasts`` (old versions of types), ``compatibility`` (with released
schemas), ``facts`` (an event with its place: order, stream, part), ``mail_copies`` (one mail by two connections),
``directory`` (which ids are one agent or queue), ``directory_facts`` (as events tell), ``activity`` (what counts as
activity in a contact), ``ids``, ``timestamps``,
``errors``, ``json_types``.
For senders: ``building`` (events in one call, checked).
At intake: ``http_binding`` (CloudEvents out of HTTP requests), ``strict_json``, ``client_events`` with
``client_attributes``, ``client_data`` and ``client_blobs`` (events that clients send), ``usual_events`` (the same, of
most events, at once), ``typos`` with ``data_shape`` and ``spelling`` (what clients probably misspelt), ``stamp``
(intake's last step), ``dead_letters``. Identifiers:
``identifiers`` (their normal form), ``email_addresses``, ``phone_numbers`` with ``phone_spellings`` and
``renumbering``, ``invisible_characters``, ``junk`` (values that identify nobody), ``weights`` (claims, assertions,
proofs), ``continuity_tokens``, ``web_urls``. ``filters`` (which records are wanted, as people write it).
Ports: ``log``, ``archive`` (a log in a folder) and ``blob``, with ``private_files``, ``path_errors``,
``pooled_connections``, ``cancellation`` and ``cooperative_chunks`` (others have their turn). Generated files:
``schemas`` with ``event_schema``, ``asyncapi``, ``topics`` and ``guide``; ``schema_shapes`` (pieces of
JSON Schemas, for documents of HTTP services). For tests: ``testing``.
"""
