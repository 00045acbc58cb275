"""What the body of each request may say. Unknown members are refused: a misspelt one must not be lost."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from cx_events.envelope import Named
from cx_events.errors import Refused
from cx_events.strict_json import Limits, decode
from cx_runtime.http import BodyLimits

LIMITS = BodyLimits(max_bytes=64 << 10)
_JSON = Limits(max_bytes=LIMITS.max_bytes, max_depth=16)

# No store of text takes NUL, and a blank says nothing.
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
InteractionId = Annotated[str, Meta(min_length=1, max_length=512, pattern=_NON_BLANK)]

BodyT = TypeVar("BodyT", bound="RequestBody")


class RequestBody(Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of every body."""


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
    """Either ``identifier`` (``KIND:VALUE``, or its members apart) or ``interaction``, and with that ``assurance``."""

    identifier: Annotated[str, Meta(min_length=3, max_length=600)] | AskedIdentifier | None = None
    interaction: Annotated[str, Meta(min_length=1, max_length=512)] | None = None
    scope: Annotated[str, Meta(max_length=256)] = ""
    assurance: Literal["proved", "asserted"] | None = None


class Note(RequestBody):
    note: Annotated[str, Meta(min_length=1, max_length=8000, pattern=_NON_BLANK)]
    agent: Agent


class Topic(RequestBody):
    topic: Name
    agent: Agent


class Disposition(RequestBody):
    disposition: Name
    agent: Agent
    reason: Remark = ""


class Resolve(RequestBody):
    agent: Agent
    reason: Remark = ""
    disposition: Label = ""


class Reopen(RequestBody):
    agent: Agent
    reason: Remark = ""


class Link(RequestBody):
    """``other``: the conversation that is about the same matter."""

    other: Id
    agent: Agent
    reason: Remark = ""


class Split(RequestBody):
    """``interaction``: the one that is a matter of its own."""

    interaction: InteractionId
    agent: Agent
    reason: Remark = ""


class Handoff(RequestBody):
    """``to``: a person, a team, a skill. ``by``: who asks; with ``agent`` and without it, that is an agent. ``packet``:
    what the next one needs, as the asking side knows it; of its members ``tried``, ``slots`` and ``open_questions`` are
    shown with what the hub knows of the same."""

    to: Label = ""
    queue: Queue | None = None
    reason: Remark = ""
    by: Literal["bot", "agent", "customer"] | None = None
    agent: Agent | None = None
    packet: dict[str, Any] = {}


class Accept(RequestBody):
    """``agent``: who takes over."""

    agent: Agent
    queue: Queue | None = None


class Shown(RequestBody):
    """``agent``: whose screen shows the context. ``version``: of it, as ``meta.version`` says."""

    agent: Agent
    version: Annotated[int, Meta(ge=0, lt=1 << 53)] | None = None


class Continue(RequestBody):
    """``expires_in``: seconds. ``single_use``: one contact alone may go on by it. ``connection``: the mail account
    whose address is to carry it; the first there is, without. ``page``: where the link leads, else the web chat's own.
    """

    expires_in: Annotated[int, Meta(ge=60, le=30 * 86_400)] = 86_400
    single_use: bool = True
    connection: Annotated[str, Meta(max_length=63)] = ""
    page: Annotated[str, Meta(max_length=1500, pattern=r"^(https?://[!-~]+)?$")] = ""
    agent: Agent | None = None
    reason: Remark = ""


class Redeem(RequestBody):
    """``token``: the code as it was spoken or keyed, the reply-to address, the link or what it holds. ``interaction``:
    the contact that presented it."""

    token: Annotated[str, Meta(min_length=1, max_length=2048)]
    interaction: InteractionId
    agent: Agent | None = None


class Merge(RequestBody):
    """``a``, ``b``: customers or profiles. ``despite``: what stands against it and is known to be wrong, by the names
    that the refusal gave: exclusive kinds (``crm``), decisions (``SOURCE#ID``)."""

    a: Id
    b: Id
    reason: Reason
    agent: Agent | None = None
    despite: Annotated[list[Despite], Meta(max_length=50)] = []


class Unmerge(RequestBody):
    """Either ``decision``, to withdraw it without a trace, or ``apart``, two profiles that are two people."""

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
    """``rules``: ``shared_after``, ``exclusive``, ``never_link``, ``junk``, as the configuration has them; what is left
    out is the default."""

    rules: dict[str, Any]
    examples: Annotated[int, Meta(ge=0, le=100)] = 10


def read(raw: bytes, content_type: str, shape: type[BodyT]) -> BodyT:
    """Raises ``Refused``: ``unsupported-media-type`` (415), ``json-...`` (400), ``bad-body`` (422)."""
    media_type, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if media_type.strip().lower() not in ("application/json", "") or charset not in ("", "utf-8", "utf8"):
        raise Refused("unsupported-media-type", f"send application/json, not {content_type[:64]!r}", 415)
    try:
        return msgspec.convert(decode(raw, _JSON), shape)
    except msgspec.ValidationError as error:
        raise Refused("bad-body", str(error)) from None


def request_digest(operation: str, body: RequestBody) -> str:
    """What a request asks for, in 32 hex digits; the same for the same members in any order and spacing."""
    said = json.dumps(msgspec.to_builtins(body), sort_keys=True)
    return blake2b(f"{operation}\0{said}".encode(), digest_size=16).hexdigest()


def agent_name(agent: Agent | None) -> Named | None:
    """Return the agent of a body as events name them."""
    return Named(id=agent.id, name=agent.name) if agent is not None else None
