"""Take files that visitors of web chats send: ``PUT /v1/chat/{connection}/files/{id}``, with the chat's session as the
key.

A file becomes a message of its own: its bytes go to the blob store, then the message that names them onto the log, then
201 is said. Anybody can begin a chat, so everybody who sends files is a stranger: what is under way at once is shared
out among tenants, connections, addresses and visitors, and how often one may come is bounded, before anything of the
body is read. Browsers ask beforehand whether a page of another origin may send at all (CORS).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from fastapi import APIRouter
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from cx_channels.chat.webchat import mapping
from cx_channels.chat.webchat.attachments import bounds_of, checked_type, file_name
from cx_channels.chat.webchat.protocol import ClientId
from cx_channels.chat.webchat.server.chat_log import WEBCHAT, Chat, ChatLog, chat_for_page
from cx_channels.chat.webchat.server.chat_sessions import Chats
from cx_channels.chat.webchat.server.deliveries import Address
from cx_channels.chat.webchat.server.limits import ChatLimits
from cx_channels.chat.webchat.session import resume
from cx_channels.intake import Intake
from cx_events.errors import Busy, Refused, TooFast, TryLater
from cx_runtime import shares
from cx_runtime.authentication import bearer_token
from cx_runtime.http import BodyLimits, read_body
from cx_runtime.in_flight import asker, claim
from cx_runtime.metrics import Metrics
from cx_runtime.problems import refused, told, try_later
from cx_runtime.rates import Buckets
from cx_runtime.shares import Path, Pool

PATH = "/v1/chat/{connection}/files/{id}"

_ALLOWED = {
    "access-control-allow-methods": "PUT",
    "access-control-allow-headers": "authorization, content-type, x-file-name",
    "access-control-max-age": "600",
}
_MOST_REMEMBERED = 10_000


class Uploads:
    """All files on their way in, of this process."""

    def __init__(self, intake: Intake, chats: Chats, metrics: Metrics, body: BodyLimits, limits: ChatLimits) -> None:
        self._intake = intake
        self._chats = chats
        self._log = ChatLog(intake)
        self._metrics = metrics
        self._body = body
        self._under_way = Pool("files", limits.files)
        self._of_visitor = Buckets(limits.files_of_visitor, "files", _MOST_REMEMBERED, whose="this visitor")
        self._of_address = Buckets(limits.files_of_address, "files", _MOST_REMEMBERED)

    async def put(self, request: HttpRequest) -> Response:
        """Answer one upload, also where it is refused, in a form that the page's script may read."""
        headers = {"access-control-allow-origin": "*", "access-control-expose-headers": "retry-after"}
        try:
            taken = await self._take(request)
        except (Refused, TryLater) as error:
            response = self._refused(error)
            response.headers.update(headers)
            return response
        return Response(msgspec.json.encode(taken), 201, headers, "application/json")

    async def asked(self, request: HttpRequest) -> Response:
        """Answer a browser's question whether a page may send. No cookie counts here, so every page may ask; which may
        send is the connection's setting ``origins``, looked at when it does."""
        return Response(status_code=204, headers={"access-control-allow-origin": "*", **_ALLOWED})

    async def _take(self, request: HttpRequest) -> mapping.File:
        chat = self._chat_of(request)
        connection, bounds = chat.connection, bounds_of(chat.connection)
        if bounds is None:
            raise Refused("no-files", "this chat takes no files", 403)
        content_type = checked_type(request.headers.get("content-type", ""), bounds)
        try:
            id = msgspec.convert(request.path_params["id"], ClientId)
        except msgspec.ValidationError:
            raise Refused("bad-id", "a message's id is 1 to 64 letters, digits, - and _", 400) from None
        self._of_address.take(f"{connection.id} {asker()}")
        self._of_visitor.take(chat.interaction)
        with self._under_way.take(self._path(chat)):
            claim(connection.tenant, shares.connection(connection.id))
            self._intake.check_capacity()
            limits = self._body._replace(max_bytes=bounds.max_bytes)
            content = await read_body(request.headers, request.receive, limits)
            if not content:
                raise Refused("empty-file", "the file is empty", 400)
            name = await self._intake.store_blob(connection.tenant, content)
            file = mapping.File(
                name=file_name(request.headers.get("x-file-name", "")),
                content_type=content_type,
                bytes=len(content),
                sha256=name.removeprefix("sha256:"),
            )
            await self._log.begin(chat)
            visitor = chat.stated(self._intake.now())
            said = mapping.Said(interaction=chat.interaction, visitor=visitor, id=id, text="", files=(file,))
            await self._log.record(chat, said)
        self._chats.began(Address(connection.tenant, chat.interaction))
        return file

    def _chat_of(self, request: HttpRequest) -> Chat:
        """Return the sender's own chat: nobody else has its session."""
        origin = request.headers.get("origin", "")
        connection = chat_for_page(self._intake, request.path_params["connection"], origin)
        session = resume(bearer_token(request.headers), connection, self._intake.now())
        return Chat(connection, session, resumed=True)

    def _path(self, chat: Chat) -> Path:
        connection = chat.connection
        return (
            shares.tenant(connection.tenant, self._chats.tenant_share),
            shares.connection(connection.id),
            shares.address(asker()),
            shares.customer(chat.interaction),
        )

    def _refused(self, error: Refused | TryLater) -> Response:
        if isinstance(error, Busy | TooFast):
            self._metrics.refused(WEBCHAT, error.reason)
            return told(error)
        if isinstance(error, TryLater):
            self._metrics.unavailable(error.part)
            return try_later(error)
        self._metrics.refused(WEBCHAT, error.reason)
        more: Mapping[str, str] = {"accept-encoding": "gzip, deflate"} if error.reason == "unsupported-encoding" else {}
        return refused(error, more)


def add_upload_routes(routes: APIRouter, uploads: Uploads) -> None:
    """Add the upload, and the question that browsers ask before it."""
    routes.add_route(PATH, uploads.put, methods=["PUT"])
    routes.add_route(PATH, uploads.asked, methods=["OPTIONS"])
