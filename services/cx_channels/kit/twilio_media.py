"""Ask Twilio for files of messages and for recordings, by the account's own token.

www.twilio.com/docs/messaging/api/media-resource, .../voice/api/recording, .../conversations/api/media-resource. A file
of a message answers with a redirect to a store of theirs, whose address is good for hours and needs no credentials. A
recording is a WAV unless ``.mp3`` is asked for, at a tenth of the size. Media of Conversations are described by JSON
that has such an address.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from cx_channels.kit.authorization import basic_header
from cx_channels.kit.media import named_in, within
from cx_channels.kit.settings import texts_of
from cx_channels.provider import Connection, MediaRequest, MediaSource
from cx_events.timestamps import Micros

_API = r"https://api(?:\.[a-z0-9-]{1,20}){0,2}\.twilio\.com/2010-04-01/Accounts/(AC[0-9A-Za-z]{1,40})/"
_FILE = re.compile(_API + r"Messages/(?:SM|MM)[0-9A-Za-z]{1,40}/Media/ME[0-9A-Za-z]{1,40}")
_RECORDING = re.compile(
    _API + r"(?:Calls/CA[0-9A-Za-z]{1,40}/|Conferences/CF[0-9A-Za-z]{1,40}/)?Recordings/RE[0-9A-Za-z]{1,40}"
)
_OF_CONVERSATION = re.compile(
    r"https://mcs(?:\.[a-z0-9-]{1,20}){0,2}\.twilio\.com/v1/Services/IS[0-9A-Za-z]{1,40}/Media/ME[0-9A-Za-z]{1,40}"
)
_STORES = within(
    ".twiliocdn.com", ".twilio.com", "s3-external-1.amazonaws.com", "media.twiliocdn.com.s3-external-1.amazonaws.com"
)


def _request(url: str, connection: Connection, _now: Micros) -> MediaRequest | None:
    token = connection.secrets[0] if connection.secrets else ""
    if _OF_CONVERSATION.fullmatch(url):
        account = next(iter(texts_of(connection.settings, "accounts")), "")
        return MediaRequest(url, basic_header(account, token), then=_temporary) if account else None
    file, recording = _FILE.fullmatch(url), _RECORDING.fullmatch(url)
    if file:
        return MediaRequest(url, basic_header(file[1], token), _STORES)
    return MediaRequest(url + ".mp3", basic_header(recording[1], token), _STORES) if recording else None


def _temporary(content: bytes) -> MediaRequest:
    url = named_in(content, "links", "content_direct_temporary")
    if not url.startswith("https://") or not _STORES(urlsplit(url).hostname or ""):
        raise ValueError("links.content_direct_temporary is no address of Twilio's")
    return MediaRequest(url)


def _lacks(connection: Connection) -> tuple[str, ...]:
    if any(connection.secrets):
        return ()
    return ("settings.media is true, and there are no secrets: files are asked for by the account's auth token",)


MEDIA = MediaSource(_request, lacks=_lacks)
