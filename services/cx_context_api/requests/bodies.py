"""Define the body of each request. Unknown members are refused, so that a misspelt one is not ignored."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import blake2b
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from cx_events.data_shape import PACKET, explained, shape_of
from cx_events.envelope import AgentOrQueue
from cx_events.errors import Refused
from cx_events.spelling import nearest
from cx_events.strict_json import Limits, decode
from cx_events.typos import TypoFinder
from cx_runtime.http import BodyLimits

LIMITS = BodyLimits(max_bytes=64 << 10)
_JSON = Limits(max_bytes=LIMITS.max_bytes, max_depth=16)

# PostgreSQL's text takes no NUL; a blank text has no content.
_NON_BLANK = r"^\s*[^\s\u0000][^\u0000]*$"
_PLAIN = r"^[^\u0000]*$"
Id = Annotated[str, Meta(min_length=1, max_length=64, description="an id, as a context shows it")]
Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=_NON_BLANK)]
Label = Annotated[str, Meta(max_length=200, pattern=_PLAIN)]
Reason = Annotated[
    str, Meta(min_length=1, max_length=2000, pattern=_NON_BLANK, description="why, for those who look later")
]
Remark = Annotated[str, Meta(max_length=2000, pattern=_PLAIN)]
Event = Annotated[str, Meta(min_length=3, max_length=1100, pattern=_NON_BLANK, description="SOURCE#ID of a decision")]
Despite = Annotated[str, Meta(min_length=1, max_length=1100, pattern=_NON_BLANK, description="a kind, or SOURCE#ID")]
Moment = Annotated[str, Meta(min_length=10, max_length=40, pattern=_NON_BLANK, description="RFC 3339, with an offset")]
InteractionId = Annotated[str, Meta(min_length=1, max_length=512, pattern=_NON_BLANK)]

BodyT = TypeVar("BodyT", bound="RequestBody")


class RequestBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of every body."""


class AboutContact(RequestBody, kw_only=True):
    """Base of bodies that may name the contact which is meant; else it is the one whose id the conversation has."""

    interaction: InteractionId | None = None


class Agent(RequestBody):
    """Who acts: a person or a bot, not the key's holder."""

    id: Name
    name: Label = ""


class Queue(RequestBody):
    id: Name
    name: Label = ""


class AskedIdentifier(RequestBody):
    kind: Annotated[str, Meta(min_length=1, max_length=64)]
    value: Annotated[str, Meta(min_length=1, max_length=512)]
    scope: Annotated[str, Meta(max_length=256)] = ""


class Lookup(RequestBody):
    """Either ``identifier`` (``KIND:VALUE`` or an object) or ``interaction``, which ``assurance`` may go with."""

    identifier: Annotated[str, Meta(min_length=3, max_length=600)] | AskedIdentifier | None = None
    interaction: Annotated[str, Meta(min_length=1, max_length=512)] | None = None
    scope: Annotated[str, Meta(max_length=256)] = ""
    assurance: Literal["proved", "asserted"] | None = None


class Search(RequestBody):
    """``q``: words, the beginning of one, a part of a number; ``cursor``: the ``next`` of the page before."""

    q: Annotated[str, Meta(min_length=1, max_length=512)]
    within: Literal["customers", "messages"] = field(default="customers", name="in")
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(max_length=6000)] | None = None


class BriefLookup(RequestBody):
    """``interaction``, ``identifier`` (``KIND:VALUE``) or both: the identifier counts until the contact is known."""

    interaction: Annotated[str, Meta(max_length=512)] = ""
    identifier: Annotated[str, Meta(max_length=600)] = ""


class Note(AboutContact):
    note: Annotated[str, Meta(min_length=1, max_length=8000, pattern=_NON_BLANK)]
    agent: Agent


class Topic(AboutContact):
    topic: Name
    agent: Agent


class Disposition(AboutContact):
    disposition: Name
    agent: Agent
    reason: Remark = ""


class Resolve(AboutContact):
    """``interaction``: settles that contact alone, and leaves the others of the conversation open."""

    agent: Agent
    reason: Remark = ""
    disposition: Label = ""


class Reopen(AboutContact):
    agent: Agent
    reason: Remark = ""


class Link(RequestBody):
    """``other``: the conversation about the same matter."""

    other: Id
    agent: Agent
    reason: Remark = ""


class Split(RequestBody):
    """``interaction``: the one that starts its own conversation."""

    interaction: InteractionId
    agent: Agent
    reason: Remark = ""


class Promise(AboutContact):
    """Either ``text``, and ``due`` (RFC 3339) if it has a time; or ``of``, an earlier promise, and whether it was
    ``kept``: null opens it again."""

    agent: Agent
    text: Annotated[str, Meta(max_length=2000, pattern=_NON_BLANK)] | None = None
    due: Moment | None = None
    kept: bool | None = None
    of: Event | None = None


class Assign(AboutContact):
    """``agent``: who says so. ``to``: who is to deal with it, by default the agent."""

    agent: Agent
    to: Agent | None = None
    reason: Remark = ""


class Unassign(AboutContact):
    agent: Agent
    reason: Remark = ""


class Snooze(AboutContact):
    """``until``: RFC 3339; null wakes it."""

    until: Moment | None
    agent: Agent
    reason: Remark = ""


class Undo(AboutContact):
    """``event``: SOURCE#ID of a note, a topic or a promise of this conversation."""

    event: Event
    agent: Agent
    reason: Remark = ""


class Handoff(AboutContact):
    """``to``: a person, a team or a skill. ``by``: who asks; if it is left out and there is an ``agent``, the agent.
    ``packet``: what the next agent needs to know; its members ``tried``, ``slots`` and ``open_questions`` are shown
    together with what the hub knows. ``interaction``: which contact asks."""

    to: Label = ""
    queue: Queue | None = None
    reason: Remark = ""
    by: Literal["bot", "agent", "customer"] | None = None
    agent: Agent | None = None
    packet: dict[str, Any] = {}


class Accept(AboutContact):
    """``agent``: who takes over. ``handoff``: the request's id, as a context shows it, or ``interaction``: whose
    request it is; with neither an open one of the surest contact."""

    agent: Agent
    queue: Queue | None = None
    handoff: Annotated[str, Meta(max_length=1024, pattern=_PLAIN)] = ""


class Decline(AboutContact):
    """``agent``: who won't take over."""

    agent: Agent
    reason: Remark = ""


class Shown(AboutContact):
    """``agent``: whose screen shows the context. ``version``: the context's ``meta.version``."""

    agent: Agent
    version: Annotated[int, Meta(ge=0, lt=1 << 53)] | None = None


class Continue(RequestBody):
    """``expires_in``: seconds. ``single_use``: only one contact may use it. ``connection``: the mail account whose
    address carries it, by default the first one. ``page``: where the link leads, by default the web chat's page.
    """

    expires_in: Annotated[int, Meta(ge=60, le=30 * 86_400)] = 86_400
    single_use: bool = True
    connection: Annotated[str, Meta(max_length=63)] = ""
    page: Annotated[str, Meta(max_length=1500, pattern=r"^(https?://[!-~]+)?$")] = ""
    agent: Agent | None = None
    reason: Remark = ""


class Redeem(RequestBody):
    """``token``: the code as spoken or keyed, the reply-to address, the link, or the link's token. ``interaction``: the
    contact in which it was presented."""

    token: Annotated[str, Meta(min_length=1, max_length=2048)]
    interaction: InteractionId
    agent: Agent | None = None


class Looking(RequestBody):
    kind: Literal["customer", "conversation"]
    id: Id


class Presence(RequestBody):
    """Tells of a tab of an agent's page, for ``seconds``. ``agent``: by default who signed in. ``tab``: the page's own
    name for itself, where an agent has several. ``typing``: in which conversation, for colleagues. ``answering``: in
    which interaction an answer is typed, for its customer; it counts for 8 seconds."""

    agent: Agent | None = None
    tab: Annotated[str, Meta(max_length=64)] = ""
    state: Literal["available", "busy", "away", "offline"] = "available"
    looking: Annotated[list[Looking], Meta(max_length=10)] = []
    typing: Id | None = None
    answering: InteractionId | None = None
    seconds: Annotated[int, Meta(ge=5, le=120)] = 30


class Merge(RequestBody):
    """``a``, ``b``: customers or profiles. ``despite``: obstacles to ignore, by the names in the refusal: exclusive
    kinds (``crm``) and decisions (``SOURCE#ID``)."""

    a: Id
    b: Id
    reason: Reason
    agent: Agent | None = None
    despite: Annotated[list[Despite], Meta(max_length=50)] = []


class Unmerge(RequestBody):
    """Either ``decision``: withdraw this one without a trace; or ``apart``: these two profiles are two people."""

    reason: Reason
    decision: Event | None = None
    apart: tuple[Id, Id] | None = None
    agent: Agent | None = None


class Attribute(RequestBody):
    interaction: InteractionId
    profile: Id
    reason: Reason
    agent: Agent | None = None


class Dismiss(RequestBody):
    candidate: Id
    reason: Reason
    agent: Agent | None = None


class WhatIf(RequestBody):
    """``rules``: ``shared_after``, ``exclusive``, ``never_link``, ``junk``, as in the configuration; all optional."""

    rules: dict[str, Any]
    examples: Annotated[int, Meta(ge=0, le=100)] = 10


def read(
    raw: bytes, content_type: str, shape: type[BodyT], defaults: Mapping[str, Any] = MappingProxyType({})
) -> BodyT:
    """Parse a body. ``defaults``: members for one that lacks them, or has null there.

    Raises ``Refused``: ``unsupported-media-type`` (415), ``json-...`` (400), ``bad-body`` (422).
    """
    media_type, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if media_type.strip().lower() not in ("application/json", "") or charset not in ("", "utf-8", "utf8"):
        raise Refused("unsupported-media-type", f"Send application/json, not {content_type[:64]!r}.", 415)
    try:
        members = decode(raw, _JSON)
        if isinstance(members, dict):
            members |= {name: value for name, value in defaults.items() if members.get(name) is None}
        return msgspec.convert(members, shape)
    except msgspec.ValidationError as error:
        detail = explained(error, shape_of(shape))
        raise Refused("bad-body", f"{detail}{_nearest_member(str(error), shape)}") from None


_UNKNOWN = re.compile(r"Object contains unknown field `(.{1,64}?)`(?: - at `\$(.*)`)?", re.DOTALL)


def _nearest_member(told: str, shape: type[RequestBody]) -> str:
    """Return in words which member a misspelt one is near to; nothing where none is."""
    unknown = _UNKNOWN.fullmatch(told)
    at = shape_of(shape).at(unknown[2] or "") if unknown is not None else None
    near = nearest(unknown[1], at.names) if unknown is not None and at is not None else None
    return f"; did you mean {near!r}?" if near else ""


def warnings_of(body: RequestBody) -> list[dict[str, str]]:
    """Return what is probably misspelt in what a body holds freely: members of a handoff's packet."""
    packet = body.packet if isinstance(body, Handoff) else {}
    found = TypoFinder().typos_in("packet", packet, PACKET)
    return [{"place": each.place, "nearest": each.nearest, "detail": each.sentence()} for each in found]


def request_digest(operation: str, body: RequestBody) -> str:
    """Return a digest of what a request asks for, 32 hex digits. Order and spacing of members don't change it."""
    members = json.dumps(msgspec.to_builtins(body), sort_keys=True)
    return blake2b(f"{operation}\0{members}".encode(), digest_size=16).hexdigest()


def agent_name(agent: Agent | None) -> AgentOrQueue | None:
    """Return the agent of a body as events name them."""
    return AgentOrQueue(id=agent.id, name=agent.name) if agent is not None else None
