"""Handle requests for one event and for one file."""

from __future__ import annotations

from functools import partial

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cx_context.sections.attachments import (
    ORIGINAL,
    AttachmentId,
    attachments_view,
    id_of,
    read_id,
    stored_id_of,
    unknown,
)
from cx_context.store import Store
from cx_context.store.dead_letters import read_reason
from cx_context.store.events import StoredEvent, read_event
from cx_context_api.events import originals
from cx_context_api.events.contents import Contents
from cx_context_api.events.downloads import SAFE_HEADERS, disposition, safe_type
from cx_context_api.reads.turns import ReadTurns
from cx_context_api.requests.admission import Admission, Caller
from cx_context_api.requests.queries import EventName
from cx_context_api.requests.responses import etag_matches, read_query, route
from cx_events.blob.port import blob_name
from cx_events.codec import decode_leniently
from cx_events.envelope import Attachment, Event
from cx_events.errors import Refused
from cx_events.facts import key_of, replace_nul
from cx_events.ids import event_key
from cx_events.types.media import STORED
from cx_events.web_urls import web_url
from cx_runtime.answer_deadline import within
from cx_runtime.cpu_time import charge_cpu_time
from cx_runtime.metrics import Metrics
from cx_runtime.problems import problem

_ENDINGS = {originals.MAIL: ".eml", originals.JSON: ".json"}


class EventRoutes:
    """Handles requests for events and files."""

    def __init__(
        self, admission: Admission, store: Store, contents: Contents, metrics: Metrics, turns: ReadTurns
    ) -> None:
        self._admission = admission
        self._store = store
        self._contents = contents
        self._metrics = metrics
        self._turns = turns

    def all(self) -> list[Route]:
        """Return all routes."""
        return [
            route("GET", "/v1/event", self.event),
            route("GET", "/v1/attachments/{id}", self.attachment),
        ]

    async def event(self, request: Request) -> Response:
        """Answer with an event by its name. Raises ``Refused``: ``unknown-event`` (404), ``dead-lettered`` (409)."""
        caller = self._admission.admit(request.headers, "context:read")
        name = read_query(request, "source", "id").event()
        key = event_key(caller.tenant, *name)
        stored = await self._stored(caller, key, name)
        if stored is None:
            raise Refused("unknown-event", f"There is no event {str(name)[:200]!a} here (yet).", 404)
        event = _event_of(stored)
        files = event.data.message.attachments if event.data.message is not None else []
        answer = {
            "event": msgspec.Raw(stored.raw),
            "attachments": attachments_view(key, files, most=None)["attachments"],
            "original": await self._original(caller.tenant, key, event),
            "problem": stored.problem,
        }
        return Response(msgspec.json.encode(answer), headers=_CACHING, media_type="application/json")

    async def attachment(self, request: Request) -> Response:
        """Answer with the content of an attachment or original.

        Raises ``Refused``: ``unknown-attachment``, ``attachment-gone`` (404). For an attachment at a provider, answer
        with the problem ``kept-by-provider`` (404) and its ``url``.
        """
        caller = self._admission.admit(request.headers, "context:read")
        read_query(request)
        id = request.path_params["id"]
        asked = read_id(id)
        stored = await self._stored(caller, asked.event)
        if stored is None:
            raise unknown(id)
        event = _event_of(stored)
        return await (self._original_file if asked.place is None else self._file)(request, caller, event, asked)

    async def _file(self, request: Request, caller: Caller, event: Event, asked: AttachmentId) -> Response:
        id = id_of(*asked)
        file = _attachment_at(event, asked.place)
        if file is None:
            raise unknown(id)
        unchanged = _unchanged(request, file.blob) if originals.is_blob(file.blob) else None
        if unchanged is not None:
            return unchanged
        content = await self._contents.of_file(caller.tenant, event, file, self._turns.heavy)
        if content is not None:
            return _download(request, content, file.name, file.content_type)
        fetched = await self._fetched_file(caller, event, id_of(key_of(event), asked.place))
        if fetched is not None:
            return _unchanged(request, fetched[0].blob) or _download(
                request, fetched[1], fetched[0].name, fetched[0].content_type
            )
        url = web_url(file)
        if url:
            self._metrics.problem(404, "kept-by-provider")
            detail = "Only the provider has this file; the hub has not fetched it."
            return problem(404, "kept-by-provider", detail, more={"url": url})
        raise _gone(id)

    async def _fetched_file(self, caller: Caller, event: Event, id: str) -> tuple[Attachment, bytes] | None:
        """Return what was fetched of an attachment that its provider keeps, None where nothing was (yet)."""
        stored = await self._stored(caller, event_key(caller.tenant, event.source, stored_id_of(id)))
        told = _event_of(stored) if stored is not None else None
        file = _attachment_at(told, 0) if told is not None and told.type == STORED else None
        if told is None or file is None:
            return None
        content = await self._contents.of_file(caller.tenant, told, file, self._turns.heavy)
        return (file, content) if content is not None else None

    async def _original_file(self, request: Request, caller: Caller, event: Event, asked: AttachmentId) -> Response:
        id = id_of(*asked)
        original = originals.original_of(event)
        if original is None:
            raise unknown(id)
        content = await self._contents.of_original(caller.tenant, original)
        if content is None:
            raise _gone(id)
        media_type = originals.media_type_of(original, content)
        return _download(request, content, ORIGINAL + _ENDINGS.get(media_type, ".bin"), media_type)

    async def _original(self, tenant: str, key: bytes, event: Event) -> dict[str, object] | None:
        """Show an event's original, with its content unless that is too large. ``place`` is None if it is gone."""
        original = originals.original_of(event)
        if original is None:
            return None
        content = await self._contents.of_original(tenant, original)
        found: dict[str, object] = {"id": id_of(key, None)}
        if content is None:
            return {**found, "content_type": None, "bytes": None, "place": None, "encoding": None, "content": None}
        media_type = originals.media_type_of(original, content)
        encoding, value = originals.encode_original(content, media_type)
        place = "hub" if original.blob else "event"
        found |= {"content_type": media_type, "bytes": len(content), "place": place}
        return {**found, "encoding": encoding, "content": value}

    async def _stored(self, caller: Caller, key: bytes, name: EventName | None = None) -> StoredEvent | None:
        """Return an event of the caller's tenant, None if there is none.

        Raises ``Refused("dead-lettered", 409)`` if it is asked for by name and is only in the dead letters.
        """
        tenant, pages = caller.tenant, self._turns.pages

        async def read() -> StoredEvent | None:
            async with pages.turn(tenant), self._store.reading() as tx:
                found = await charge_cpu_time(read_event(tx, tenant, key), partial(pages.charge, tenant))
                why = await read_reason(tx, tenant, *name) if found is None and name is not None else None
                if why is not None:
                    raise Refused("dead-lettered", f"The event is in the dead letters: {why}"[:2000], 409)
                return found

        return await within(read())


_CACHING = {"cache-control": "private, no-cache", "vary": "authorization"}


def _event_of(stored: StoredEvent) -> Event:
    return replace_nul(decode_leniently(stored.raw)[0], stored.raw)


def _attachment_at(event: Event, place: int | None) -> Attachment | None:
    files = event.data.message.attachments if event.data.message is not None else []
    return files[place] if place is not None and place < len(files) else None


def _gone(id: str) -> Refused:
    return Refused("attachment-gone", f"The content of {id} is not in the blob store that this process reads.", 404)


def _unchanged(request: Request, blob: str) -> Response | None:
    """Return 304 if the client has the content of this digest, else None."""
    tag = _tag(blob)
    known = request.headers.get("if-none-match")
    if known is None or not etag_matches(known, tag):
        return None
    return Response(status_code=304, headers={"etag": tag, **_CACHING})


def _download(request: Request, content: bytes, name: str, content_type: str) -> Response:
    digest = blob_name(content)
    headers = {**SAFE_HEADERS, "etag": _tag(digest), "content-disposition": disposition(name)}
    headers["content-type"] = safe_type(content_type)  # passed as media_type, Starlette would add a charset to text
    return _unchanged(request, digest) or Response(content, headers=headers)


def _tag(blob: str) -> str:
    return f'"{blob.removeprefix("sha256:")}"'
