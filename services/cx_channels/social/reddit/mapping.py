"""Map answers of Reddit's API: lists, one or two of them, things that an own act made, and what was found to be gone.

The poller hands on one thing at a time; ``KNOWN`` says what the hub has of it already. An answer without it, as
somebody recorded it, is mapped as if nothing were known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cx_channels.kit.drafts import make_draft, sort_outcomes
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import obj, objects, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection, Mapped, Request, Unmapped
from cx_channels.social.reddit.kinds import DOCUMENTED, ignored
from cx_channels.social.reddit.thing import Thing, encode, is_name, read_thing
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.envelope import Direction, Identifier, Message, Participant
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.strict_json import decode
from cx_events.weights import PROVED

KNOWN = "x-known"
"""Header of what the poller hands on: ``yes``, ``gone/N``, or ``back/N`` of what was gone and is there again."""
GONE = "throughline#gone"
"""The kind of what the poller found to be gone: ``{"kind", "name", "root", "turns"}``."""

THINGS = frozenset({"t1", "t3", "t4"})
_OTHERS = {"more": "more", "t2": "account", "t5": "account", "t6": "account"}
_DEEP = 60
_TEMPLATES = re.compile(
    r"you have been (?:un)?(?:muted|banned) from /?r/|you've been (?:temporarily |permanently )?banned from "
    r"|invitation to moderate /?r/|you are an approved submitter$|moderator added$|/?u/\S{1,40} has been removed as",
    re.IGNORECASE,
)


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one answer. Raise ``Refused("malformed")`` for any other body."""
    known = request.headers.get(KNOWN, "")
    return sort_outcomes(
        each for found in _read(connection, request) for each in _outcomes(found, known)
    )  # fmt: skip


def _read(connection: Connection, request: Request) -> Iterator[Thing | Outcome]:
    try:
        value = decode(request.body)
    except Refused as refused:
        raise Refused("malformed", refused.detail) from None
    lists = objects(value) if isinstance(value, list) else [obj(value)]
    if lists and "json" in lists[0]:  # the answer to an own act
        made = objects(obj(obj(lists[0]["json"]).get("data")).get("things"))
        lists = [{"kind": "Listing", "data": {"children": made}}]
    if not lists or not all(text(each.get("kind")) for each in lists):
        raise Refused("malformed", "the body names no kind, as answers of Reddit do")
    for each in lists:
        yield from _of(connection, each, 0)


def _of(connection: Connection, value: Json, depth: int) -> Iterator[Thing | Outcome]:
    """Yield a thing or a list's things, each before its replies, which are things of their own."""
    kind, data = text(value.get("kind")), value.get("data")
    if kind == "Listing":
        children = objects(obj(data).get("children"))
        if not children:
            yield ignored("nothing")
        for child in children:
            yield from _of(connection, child, depth + 1)
    elif kind in THINGS and isinstance(data, dict):
        replies = data.get("replies")
        yield read_thing(connection, kind, data)
        if isinstance(replies, dict):
            if depth < _DEEP:
                yield from _of(connection, replies, depth + 1)
            else:
                raw = encode(replies)
                yield Unmapped(sha256_hex(raw)[:32], "malformed replies: nested too deeply", raw)
    elif kind == GONE:
        yield from _gone(connection, value)
    elif kind in _OTHERS:
        yield ignored(_OTHERS[kind])
    else:
        raw = encode(value)
        why = f"malformed {kind}: without data" if kind in THINGS else f"{UNKNOWN_KIND}: {kind[:64]!r}"
        yield Unmapped(sha256_hex(raw)[:32], why, raw)


def _outcomes(thing: Thing | Outcome, known: str) -> Iterator[Outcome]:
    if not isinstance(thing, Thing):
        yield thing
    elif not thing.name:
        yield thing.lost("it has no id")
    elif thing.kind == "t4":
        yield from _message(thing)
    else:
        yield from _public(thing, known)


def _public(thing: Thing, known: str) -> Iterator[Outcome]:
    """Map a comment or post: itself, its edit, and that it is gone, as far as these are news."""
    id, absence, message = id_part(thing.name), thing.absence, thing.message()
    people, direction = [thing.person()], _direction(thing)
    if known.startswith("back/"):
        yield thing.draft(
            "cx.message.edited.v1", f"{id}/{id_part(known)}", None, message, people, direction, reason="back"
        )
        return
    if absence:
        turn = known if known.startswith("gone/") else "gone/1"
        gone = Message(id=thing.name)
        yield thing.draft(
            "cx.message.deleted.v1", f"{id}/{id_part(turn)}", None, gone, people, direction, reason=absence
        )
        return
    if not message.text and not message.subject and not message.attachments:
        yield thing.lost("it has no words")
        return
    if not known:
        yield thing.draft(_type_of(thing), id, thing.written, message, people, direction)
    if thing.edited:
        at = f"{id}/edited/{thing.edited // 1_000_000}"
        yield thing.draft("cx.message.edited.v1", at, thing.edited, message, people, direction)


def _direction(thing: Thing) -> Direction:
    return "outbound" if thing.is_by_us else "inbound"


def _type_of(thing: Thing) -> str:
    if thing.is_mention:
        return "cx.social.mention.v1"
    return "cx.social.post.v1" if thing.kind == "t3" else "cx.social.comment.v1"


def _message(thing: Thing) -> Iterator[Outcome]:
    """Map a private message: to an own account or subreddit, or of one. Chats are not in the API."""
    dest, distinguished = text(thing.data.get("dest")), text(thing.data.get("distinguished"))
    if not thing.author or thing.author.lower() == "reddit" or distinguished == "admin" or _is_template(thing):
        yield ignored("notice")
        return
    ours = thing.ours
    to_us = dest.lower() in ours.accounts or dest.removeprefix("#").lower() in ours.subreddits
    if thing.is_by_us and to_us:
        yield ignored("own")
        return
    if not thing.words:
        yield thing.lost("it has no words")
        return
    if thing.is_by_us:
        people = [] if dest.startswith("#") else [_receiver(dest)]
        people.append(thing.person())
        yield thing.draft("cx.message.sent.v1", id_part(thing.name), thing.written, thing.message(), people, "outbound")
    else:
        people = [thing.person(), *([Participant(role="business", id=dest)] if dest else [])]
        yield thing.draft(
            "cx.message.received.v1", id_part(thing.name), thing.written, thing.message(), people, "inbound"
        )  # fmt: skip


def _is_template(thing: Thing) -> bool:
    """Return whether Reddit wrote this in a moderator's name: what he did, in words that are the same for all."""
    data = thing.data
    is_first = not data.get("first_message_name") and text(data.get("distinguished")) == "moderator"
    return is_first and _TEMPLATES.match(text(data.get("subject"))) is not None


def _receiver(name: str) -> Participant:
    known = [Identifier(kind="reddit", value=name.lower(), weight=PROVED)] if is_name(name) else []
    return Participant(role="customer", name=name, identifiers=known)


def _gone(connection: Connection, value: Json) -> Iterator[Outcome]:
    name, root, turns = text(value.get("name")), text(value.get("root")), text(value.get("turns"))
    if not name or not root or not turns:
        raw = encode(value)
        yield Unmapped(sha256_hex(raw)[:32], "malformed gone: it names no thing, no post or not which time", raw)
        return
    yield make_draft(
        connection, "social", "cx.message.deleted.v1", f"{id_part(name)}/gone/{id_part(turns)}", raw=encode(value),
        root=id_part(root), message=Message(id=name), reason="gone",
    )  # fmt: skip


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the kinds of an answer's things, as ``DOCUMENTED`` names them."""
    known, found = request.headers.get(KNOWN, ""), set[str]()
    for each in _read(connection, request):
        if isinstance(each, Thing):
            found.add(each.kind + ("/by-us" if each.is_by_us else "/mention" if each.is_mention else ""))
            found |= {each.absence} & DOCUMENTED.keys()
            found |= {"edited"} if each.edited else set()
            found |= {"back"} if known.startswith("back/") else set()
    if not found and isinstance(value := decode(request.body), dict) and value.get("kind") == GONE:
        return ("gone",)
    return tuple(sorted(found))
