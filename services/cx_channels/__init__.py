"""IN: what channels send becomes events on the log.

A request or a message arrives at the rim (``http``, ``smtp``, ``websocket``); its connection names the tenant and the
provider; the provider verifies it and maps it (pure); intake stamps, keeps what is large, appends, and only then
answers as the provider expects. What can't be mapped lies whole in the dead letters.

Rooms: ``port`` (what a provider is), ``registry`` (finds them), ``signing`` and ``foreign`` (checking and reading what
vendors send), ``mail/`` (what a mail means, whoever brought it), ``intake`` (map -> publish), ``worker`` (mapping that
can be killed), ``limits``, ``app`` and ``routes`` (HTTP), ``voice/ chat/ email/ social/`` (a folder per provider).
"""
