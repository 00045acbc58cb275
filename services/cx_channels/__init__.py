"""Turn what channels send into events on the log.

A request, a mail or a socket's message names its connection, and with that its tenant and its provider. The provider
verifies it and maps it, without I/O; intake stamps the events, stores large originals, appends all to the log, and
only then answers as the provider expects. What can't be mapped goes whole to the dead letters.

Modules: ``provider`` (what a provider is), ``registry`` (finds the providers), ``provider_server`` (a provider's own
sockets and routes), ``kit`` (what the mappings of several vendors need), and the providers by channel, a folder each:
``voice``, ``chat``, ``email``, ``social``; ``intake`` (from request to log), ``verification``, ``published_keys``
(what vendors publish and checks need), ``key_worker`` (fetches it), ``batch`` (what one request stores),
``batch_result``, ``configured_connections``, ``dead_letters``, ``continuity_tokens``,
``correlations`` (calls of two systems), ``mapping_pool``
(mapping in processes that can be killed), ``remapping`` (dead letters mapped again), ``vcon_import``; ``app``,
``routes``, ``event_routes``, ``hook_routes``, ``openapi``, ``event_senders`` and ``acting_agents`` (HTTP),
``smtp`` (the mail server), ``limits``,
``readiness`` (what a connection's setup lacks), ``dry_run`` (map a recording without storing), ``pollers`` (what we ask
vendors for ourselves), ``catch_up`` (what their webhooks missed), ``media``
(files that events name are fetched and stored), ``aws_login`` (keys of AWS that end and are renewed).
"""
