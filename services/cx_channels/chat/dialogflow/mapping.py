"""Map what Dialogflow posts: fulfillment of ES, webhooks of CX, and conversation events pushed by Pub/Sub."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cx_channels.chat.dialogflow import conversation, cx, es
from cx_channels.chat.dialogflow.kinds import IGNORED
from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.json_values import read_object
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Answer, Connection, Mapped, Request
from cx_events.errors import Refused
from cx_events.json_types import Json

DOCUMENTED: Mapping[str, str] = {
    **es.KINDS,
    **cx.KINDS,
    **conversation.TABLE,
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
}


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one request. Raise ``Refused("malformed")`` for a body that is none of the three."""
    value = request.once(_body)
    return sort_outcomes(_mapper(value)(connection, value))


def _body(request: Request) -> Json:
    return read_object(request.body)


def _mapper(value: Json) -> Callable[[Connection, Json], Iterator[Outcome]]:
    if isinstance(value.get("queryResult"), dict):
        return es.map_es
    if "detectIntentResponseId" in value or isinstance(value.get("sessionInfo"), dict):
        return cx.map_cx
    if isinstance(value.get("message"), dict):
        return conversation.map_push
    raise Refused("malformed", "neither a request of ES or CX, nor a push of Pub/Sub")


def answer(_mapped: Mapped, request: Request) -> Answer:
    """Return what keeps the agent's own answer: an empty object. Of a push, nothing."""
    try:
        pushed = _mapper(request.once(_body)) is conversation.map_push
    except Refused:
        pushed = False
    return Answer(204) if pushed else Answer(body=b"{}", content_type="application/json")


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kinds of what a request tells, as ``DOCUMENTED`` names them."""
    value = request.once(_body)
    mapper = _mapper(value)
    of = es.es_kinds if mapper is es.map_es else cx.cx_kinds if mapper is cx.map_cx else conversation.push_kinds
    return tuple(kind for kind in of(value) if kind in DOCUMENTED)
