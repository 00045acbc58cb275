"""Find the providers: each folder below a channel's folder that exports ``PROVIDER``.

A provider may have hyphens in its name, which Python packages can't: its folder has underscores there.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from cx_channels.provider import Provider
from cx_events.errors import Refused

CHANNEL_FOLDERS = ("voice", "chat", "email", "social")


def folder_name(name: str) -> str:
    """Return a provider's folder below ``cx_channels``: ``voice/amazon_connect`` of ``voice/amazon-connect``."""
    return name.replace("-", "_")


@cache
def providers() -> Mapping[str, Provider]:
    """Return every provider by its name, ``CHANNEL/NAME``."""
    found: dict[str, Provider] = {}
    for channel in CHANNEL_FOLDERS:
        package = import_module(f"cx_channels.{channel}")
        for module in pkgutil.iter_modules(package.__path__):
            if module.ispkg:
                provider: Provider = import_module(f"cx_channels.{channel}.{module.name}").PROVIDER
                if folder_name(provider.name) != f"{channel}/{module.name}":
                    raise ValueError(f"the provider in {channel}/{module.name} calls itself {provider.name}")
                found[provider.name] = provider
    return found


def provider(name: str) -> Provider:
    """Return a provider by its name. ``Refused("unknown-provider")`` names those that there are."""
    try:
        return providers()[name]
    except KeyError:
        raise Refused(
            "unknown-provider", f"there is no provider {name!r}; there are {', '.join(providers())}"
        ) from None
