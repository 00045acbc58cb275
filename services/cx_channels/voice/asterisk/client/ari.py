"""Connect to ARI: events over a WebSocket, and the state over HTTP, with one name and password."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import urlencode

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from cx_channels.kit.authorization import basic_header
from cx_channels.pollers.tls import client_tls
from cx_channels.voice.asterisk.settings import SystemSettings
from cx_events.errors import Refused, TryLater
from cx_events.strict_json import Limits, decode_mended

CONNECT_SECONDS = 30.0
PING_SECONDS = 20.0
"""Between two pings, and within which each must be answered."""
MOST_EVENT = 4 << 20
MOST_QUEUED = 4096
"""Events that are held while the state is asked for: Asterisk cuts off who leaves them lying for 100 ms
(``websocket_write_timeout``)."""
_MOST_STATE = Limits(max_bytes=64 << 20)


class Ari:
    """The interface of one system. ``secret``: the password."""

    def __init__(self, settings: SystemSettings, secret: str) -> None:
        self._settings = settings
        self._tls = client_tls(settings.ca_file) if settings.tls else None
        self._headers = basic_header(settings.user, secret)

    @property
    def _base(self) -> str:
        its = self._settings
        host = f"[{its.host}]" if ":" in its.host else its.host
        return f"://{host}:{its.port}{f'/{its.prefix}' if its.prefix else ''}/ari"

    async def open(self) -> ClientConnection:
        """Open the socket. ``Refused`` where the password is not taken; ``TryLater`` for any other refusal."""
        its = self._settings
        query = urlencode({"app": ",".join(its.apps), "subscribeAll": str(its.subscribe_all).lower()})
        url = f"{'wss' if its.tls else 'ws'}{self._base}/events?{query}"
        try:
            return await connect(
                url, ssl=self._tls, additional_headers=self._headers, subprotocols=[Subprotocol("ari")],
                compression=None, proxy=None, open_timeout=CONNECT_SECONDS, ping_interval=PING_SECONDS,
                ping_timeout=PING_SECONDS, close_timeout=1.0, max_size=MOST_EVENT, max_queue=MOST_QUEUED,
            )  # fmt: skip
        except InvalidStatus as error:
            raise self._refusal(error.response.status_code) from None
        except InvalidHandshake as error:
            raise TryLater("ari", f"no WebSocket: {error}") from None
        except ssl.SSLCertVerificationError as error:
            raise _bad_certificate(error.verify_message) from None

    async def channels(self) -> list[dict[str, Any]]:
        """Return all channels that there are. Raises as ``open`` does."""
        url = f"{'https' if self._settings.tls else 'http'}{self._base}/channels"
        try:
            verify = self._tls if self._tls is not None else False
            async with httpx2.AsyncClient(timeout=CONNECT_SECONDS, trust_env=False, verify=verify) as client:
                response = await client.get(url, headers=self._headers)
        except httpx2.HTTPError as error:
            raise TryLater("ari", f"the channels can't be asked for: {type(error).__name__}: {error}") from None
        if response.status_code != 200:
            raise self._refusal(response.status_code)
        try:
            found = decode_mended(response.content, _MOST_STATE)
        except Refused as refused:
            raise TryLater("ari", f"the list of channels can't be read: {refused.detail}") from None
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    def _refusal(self, status: int) -> Refused | TryLater:
        if status in (401, 403):
            return Refused("login-refused", f"ARI does not take {self._settings.user}'s password: HTTP {status}")
        if status == 404:
            return Refused("not-asterisk", "there is no ARI: HTTP 404; is it enabled, and is settings.prefix right?")
        return TryLater("ari", f"ARI answers with HTTP {status}")


def _bad_certificate(why: str) -> Refused:
    return Refused("bad-certificate", f"the telephone system's certificate does not hold: {why}")
