"""Find the files that an event names by their provider's addresses. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cx_channels.kit.geo_locations import GEO_SCHEME
from cx_channels.provider import MEDIA_SETTING, Connection, Provider
from cx_context.sections.attachments import id_of, recording_id_of, stored_id_of
from cx_events.codec import decode_leniently
from cx_events.envelope import Attachment, Event
from cx_events.errors import Refused
from cx_events.facts import connection_source, key_of, replace_nul
from cx_events.ids import event_key
from cx_events.types.media import STORED

_URL = b'"url":"'
_COMPLETE = frozenset({"", "completed", "available"})
"""What the status of a recording is once its file is whole; ``available`` is Amazon Connect's word."""
_MOST = 32
"""Files of one event that are fetched; a message of the vendors at hand has ten at most."""


class Reference(NamedTuple):
    """A file at a provider. ``id``: as ``GET /v1/attachments/{id}`` takes it; a recording's ends in ``.recording``.
    ``file``: what is known of it."""

    event: Event
    id: str
    file: Attachment

    @property
    def stored_id(self) -> str:
        """Return the id of the event that will tell of its content."""
        return stored_id_of(self.id)

    @property
    def stored_key(self) -> bytes:
        """Return the key of that event."""
        return event_key(self.event.tenantid, self.event.source, self.stored_id)


class MediaConnections:
    """The connections whose files are fetched, found by the source of their events."""

    def __init__(self, connections: Mapping[str, tuple[Connection, Provider]]) -> None:
        self.by_id = {id: found for id, found in connections.items() if fetches_media(*found)}
        self._by_source = {connection_source(each.tenant, id): each for id, (each, _) in self.by_id.items()}

    def references_in(self, value: bytes) -> list[tuple[Connection, Reference]]:
        """Return the files that a record of the log names, each with its connection."""
        if _URL not in value:
            return []
        try:
            event = replace_nul(decode_leniently(value)[0], value)
        except Refused:
            return []
        connection = self._by_source.get(event.source)
        return [(connection, each) for each in references_of(event)] if connection is not None else []


def fetches_media(connection: Connection, provider: Provider) -> bool:
    """Return whether a connection's files are fetched: it is set up so, and lacks nothing for it."""
    return (
        provider.media is not None
        and connection.settings.get(MEDIA_SETTING) is True
        and not provider.media.lacks(connection)
    )


def references_of(event: Event) -> list[Reference]:
    """Return the files of an event that the hub does not have; of a recording once it is complete."""
    if event.type == STORED:
        return []
    key = key_of(event)
    found = []
    if event.data.message is not None:
        found = [
            Reference(event, id_of(key, place), file)
            for place, file in enumerate(event.data.message.attachments[:_MOST])
            if file.url and not file.blob and not file.part and not file.url.startswith(GEO_SCHEME)
        ]
    recording = event.data.recording
    if recording is not None and recording.url and recording.status in _COMPLETE:
        file = Attachment(name=recording.id or "recording", content_type="audio/*", url=recording.url)
        found.append(Reference(event, recording_id_of(key), file))
    return found
