"""Fetch files of posts, which are public, and those of direct messages by the account's own token.

developer.x.com/en/docs/direct-messages/message-attachments/guides/retrieving-media: whoever asks for a file of a direct
message signs the request by OAuth 1.0a, with the access token of an account that takes part.
"""

from __future__ import annotations

import re

from cx_channels.kit.media import TOKEN, token_of, within
from cx_channels.kit.settings import text_setting
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import MEDIA_SETTING, Connection, MediaRequest, MediaSource
from cx_channels.social.x.oauth1 import Keys, signed_header
from cx_events.timestamps import Micros

KEY, TOKEN_SECRET = "media_key", "media_token_secret"

_PUBLIC = re.compile(r"https://(?:pbs|video)\.twimg\.com/[!-~]{1,2000}")
_DIRECT = re.compile(
    r"https://(?:ton\.(?:twitter|x)\.com/(?:1\.1|i)/ton/data/dm|video\.twimg\.com/dm_(?:video|gif))/"
    r"[0-9A-Za-z_-][0-9A-Za-z_./-]{0,300}(?:\?[0-9A-Za-z_=&-]{1,100})?"
)
_FILES = within(".twimg.com")
_SECOND = 1_000_000
_NEEDED = "files of direct messages ask for the app's API key and the account's access token, each with its secret"


def _request(url: str, connection: Connection, now: Micros) -> MediaRequest | None:
    if _DIRECT.fullmatch(url) and ".." not in url:
        keys = _keys_of(connection)
        nonce = sha256_hex(f"{url} {now}".encode())[:32]
        return MediaRequest(url, signed_header(keys, url, now // _SECOND, nonce), _FILES) if _is_whole(keys) else None
    return MediaRequest(url, leads_to=_FILES) if _PUBLIC.fullmatch(url) else None


def _keys_of(connection: Connection) -> Keys:
    return Keys(
        key=text_setting(connection, KEY, ""),
        secret=next(iter(connection.secrets), ""),
        token=token_of(connection),
        token_secret=text_setting(connection, TOKEN_SECRET, ""),
    )


def _is_whole(keys: Keys) -> bool:
    return bool(keys.key and keys.secret and keys.token and keys.token_secret)


def _lacks(connection: Connection) -> tuple[str, ...]:
    """Return what is missing of the keys, where some of them are there: without any, files of posts are fetched."""
    keys = _keys_of(connection)
    given = {KEY: keys.key, TOKEN: keys.token, TOKEN_SECRET: keys.token_secret}
    if not any(given.values()):
        return ()
    found = [f"settings.{name} is missing: {_NEEDED}" for name, value in given.items() if not value]
    return (*found, *(() if keys.secret else (f"there are no secrets: {_NEEDED}",)))


MEDIA = MediaSource(_request, frozenset({MEDIA_SETTING, KEY, TOKEN, TOKEN_SECRET}), _lacks)
