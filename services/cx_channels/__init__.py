"""IN: what channels send becomes events on the log.

A request or a message arrives at the rim (``http``, ``smtp``, ``websocket``); its connection names the tenant and the
provider; the provider verifies it and maps it (pure); intake stamps, keeps what is large, appends, and only then
answers as the provider expects. What can't be mapped lies whole in the dead letters.

Rooms: ``port`` (what a provider is), ``registry`` (finds them), ``signing`` (checks that vendors share), ``intake``
(map -> publish), ``app`` and ``routes`` (HTTP), ``voice/ chat/ email/ social/`` (a folder per provider).
"""
