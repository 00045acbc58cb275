"""A hub for clients: all services in one process of their own, on free ports."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import yaml
from tests.processes import Running, bare_environment, running

from cx_hub.stack.processes import free_port

KEY, SENDER_KEY, READER_KEY = "a-key-of-all-scopes", "a-key-for-sending", "a-key-for-reading"

_KEYS: Sequence[Mapping[str, Any]] = (
    {"id": "all", "secret": KEY, "scopes": ["*"]},
    {"id": "sender", "secret": SENDER_KEY, "scopes": ["events:write"]},
    {"id": "reader", "secret": READER_KEY, "scopes": ["context:read"]},
)


class LiveHub:
    """A hub with the tenant ``acme``. ``folder``: its files; ``url``: where its HTTP routes are, also after a restart.

    ``tenant``: what the configuration says of ``acme`` beside ``id_key`` and ``keys``, such as ``connections``.
    ``settings``: environment variables of the hub, such as ``CX_LOG_URL``.
    """

    def __init__(self, folder: Path, tenant: Mapping[str, Any], settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.port = free_port()
        self.smtp_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        acme = {"id_key": "a lasting secret of acme", "keys": list(_KEYS), **tenant}
        configuration = folder / "tenants.yaml"
        configuration.write_text(yaml.safe_dump({"tenants": {"acme": acme}}), encoding="utf-8")
        self._settings = {
            "CX_HOME": str(folder / "home"),
            "CX_CONFIG": str(configuration),
            "CX_SMTP_PORT": str(self.smtp_port),
            **settings,
        }
        self._life = ExitStack()
        self._running: Running | None = None
        self._starts = 0

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        self._starts += 1
        said = self.folder / f"said-{self._starts}"
        self._running = self._life.enter_context(running("up", self._settings, said, port=self.port))

    def stop(self) -> None:
        """Stop it, as an operator would. Its files stay."""
        assert self._running is not None
        self._running.stop()
        self._running = None
        self._life.close()

    def kill(self) -> None:
        """End its process, if it runs."""
        self._life.close()

    def environment(self) -> dict[str, str]:
        """Return the environment of a client: this process's, and where the hub is."""
        found = {
            **bare_environment(),
            "CX_URL": self.url,
            "CX_KEY": KEY,
            "CX_SENDER_KEY": SENDER_KEY,
            "CX_READER_KEY": READER_KEY,
            "CX_SMTP_PORT": str(self.smtp_port),
        }
        scheme, _, servers = self._settings.get("CX_LOG_URL", "").partition("://")
        if scheme != "kafka":
            return found
        return {**found, "CX_KAFKA": servers, "CX_TOPIC_PREFIX": self._settings.get("CX_TOPIC_PREFIX", "")}


@contextmanager
def live_hub(
    tenant: Mapping[str, Any] = {},
    settings: Mapping[str, str] = {},
) -> Iterator[LiveHub]:
    """Yield a hub that is ready; remove it and its files at the end. The parameters: see ``LiveHub``."""
    with tempfile.TemporaryDirectory(prefix=f"throughline-client-{os.getpid()}-") as folder:
        hub = LiveHub(Path(folder), tenant, settings)
        try:
            hub.start()
            yield hub
        finally:
            hub.kill()
