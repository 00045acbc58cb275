"""Find the files of a conversation that the hub holds, for its vCon.

They are the attachments that lie in the hub, and what was fetched of those that a provider keeps, recordings included.
The first ones are included up to a size; the others, and all recordings, are named by this API's URL.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cx_context.sections.attachments import id_of, place_of, recording_id_of, stored_id_of
from cx_context_api.events.contents import Contents
from cx_events.envelope import Attachment, Message
from cx_events.facts import Fact
from cx_events.ids import event_key
from cx_events.types.media import STORED
from cx_vcon.builder import RECORDING, Files, HeldFile


class VconFiles:
    """The files of one vCon. ``base``: what the URL of this API begins with. ``room``: bytes that may be included."""

    def __init__(self, contents: Contents, tenant: str, base: str, room: int) -> None:
        self._contents = contents
        self._tenant = tenant
        self._base = base
        self._room = room

    async def of(self, facts: Sequence[Fact]) -> Files:
        """Return the files, in the facts' order. Those at a provider are not fetched."""
        stored = {fact.key: fact for fact in facts if fact.event.type == STORED}
        found: dict[tuple[bytes, int], HeldFile] = {}
        for fact in facts:
            for place, id, file in _files_of(fact) if fact.key not in stored else ():
                held = None
                if place_of(file) == "hub":
                    held = await self._held(fact, place, file)
                elif told := stored.get(event_key(self._tenant, fact.event.source, stored_id_of(id))):
                    held = await self._fetched(told, place)
                if held is not None:
                    found[fact.key, place] = held
        return found

    async def _fetched(self, fact: Fact, place: int) -> HeldFile | None:
        """Return the file of which a fact tells that it was fetched. ``place``: of what it was fetched for."""
        message = fact.event.data.message
        if message is None or not message.attachments or place_of(message.attachments[0]) != "hub":
            return None
        if place == RECORDING:
            file = message.attachments[0]
            return HeldFile(file, self._url(fact, 0), fact.key)
        held = [await self._held(fact, number, file) for number, file in enumerate(message.attachments)]
        if held[0] is None:
            return None
        inside = [each for each in held[1:] if each is not None]
        return held[0]._replace(told_by=fact.key, message=_with_words(message), inside=inside)

    async def _held(self, fact: Fact, place: int, file: Attachment) -> HeldFile | None:
        """Return a file in the hub, None where its content is gone: if a provider has it, too, the vCon has its URL."""
        if (file.bytes or 0) <= self._room:
            content = await self._contents.of_file(self._tenant, fact.event, file)
            if content is None:
                return None
            if len(content) <= self._room:
                self._room -= len(content)
                return HeldFile(file, content)
        return HeldFile(file, self._url(fact, place))

    def _url(self, fact: Fact, place: int) -> str:
        return f"{self._base}/v1/attachments/{id_of(fact.key, place)}"


def _files_of(fact: Fact) -> Iterator[tuple[int, str, Attachment]]:
    """Yield place, id and what is known of each file that a fact names."""
    data = fact.event.data
    for place, file in enumerate(data.message.attachments if data.message is not None else ()):
        yield place, id_of(fact.key, place), file
    if data.recording is not None:
        yield RECORDING, recording_id_of(fact.key), Attachment(url=data.recording.url)


def _with_words(message: Message) -> Message | None:
    return message if message.text or message.html else None
