"""Any chat software's webhooks, mapped by a declaration in the tenant's configuration. See README.md.

Modules: ``mapping`` (which identifiers get which weight), ``signature``.
"""

from __future__ import annotations

from cx_channels.chat.generic.mapping import WEIGHTS
from cx_channels.chat.generic.signature import SIGNATURE
from cx_channels.kit.declaration.generic_provider import generic_provider

PROVIDER = generic_provider("chat/generic", "chat", SIGNATURE, WEIGHTS)
