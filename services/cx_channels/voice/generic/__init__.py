"""Any telephone system's webhooks, mapped by a declaration in the tenant's configuration. See README.md.

Modules: ``mapping`` (which identifiers get which weight), ``signature``.
"""

from __future__ import annotations

from cx_channels.kit.declaration.generic_provider import generic_provider
from cx_channels.voice.generic.mapping import WEIGHTS
from cx_channels.voice.generic.signature import SIGNATURE

PROVIDER = generic_provider("voice/generic", "voice", SIGNATURE, WEIGHTS)
