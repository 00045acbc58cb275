"""Build what the next agent reads: what was said over all channels, what was tried and learned, what is open.

It joins the facts with the packet of the handoff's request. If both have a slot, the packet's value counts: it is the
more recent one.
"""

from __future__ import annotations

from typing import Any

from cx_context.parts.places import order_of
from cx_context.parts.values import Register
from cx_context.sections.vouchers import contact_assurances
from cx_context.store.events import read_event
from cx_context.store.sql import Tx
from cx_context_api.conversations import histories
from cx_context_api.conversations.threads import Thread, thread_summary
from cx_context_api.requests.tenancy import Tenancy
from cx_events.codec import decode_leniently
from cx_events.envelope import Event
from cx_events.facts import Order
from cx_events.ids import event_key
from cx_events.json_types import Json

LISTED = 100
"""Maximum items of ``tried`` and of ``open_questions``."""

_SPEECH = ("cx.message.", "cx.social.", "cx.call.transcript.", "cx.bot.turn.")


async def read_handoff_packet(tx: Tx, tenancy: Tenancy, thread: Thread, cursor: str | None, limit: int) -> Json:
    """Return ``{request, packet, summary, tried, slots, open_questions, verified, notes, transcript, next}``.

    ``request`` and ``packet`` are None if there was no handoff. ``transcript`` is newest first; ``next`` is the cursor
    of the page before it.
    """
    shown = thread_summary(thread)
    asking = _asking(thread)
    request = await _read_request(tx, tenancy, asking[1]) if asking is not None else None
    packet: dict[str, Any] = {}
    if request is not None and request.data.handoff is not None:
        packet = request.data.handoff.packet
    bot = shown["bot"] or {"trail": [], "slots": {}}
    entries, following = await histories.thread_page(tx, tenancy, thread, cursor, limit)
    return {
        "request": {
            **shown["handoff"],
            **_of_contact(thread, asking[0]),
            "event": {"source": request.source, "id": request.id},
        }
        if request is not None and asking is not None
        else None,
        "packet": packet if request is not None else None,
        "summary": _text(packet.get("summary")) or shown["summary"],
        "tried": [*_words(packet.get("tried")), *(turn["text"] for turn in bot["trail"] if turn["text"])][:LISTED],
        "slots": {**bot["slots"], **_members(packet.get("slots"))},
        "open_questions": _words(packet.get("open_questions")),
        "verified": [_verified(proof) for proof in shown["verified"]],
        "notes": shown["notes"],
        "transcript": [_line(entry) for entry in entries if _is_speech(entry)],
        "next": following,
    }


def _asking(thread: Thread) -> tuple[int, Register] | None:
    """Return the latest request of a handoff and the place of the contact that it came from, None if there is none."""
    latest: tuple[Order, int, Register] | None = None
    for place, member in zip(thread.conversation.places, thread.conversation.members, strict=True):
        register = member.part.handoff
        if register is not None:
            order = order_of(member.part, register[0])
            if latest is None or order > latest[0]:
                latest = (order, place, register)
    return latest[1:] if latest is not None else None


async def _read_request(tx: Tx, tenancy: Tenancy, register: Register) -> Event | None:
    _, _, _, source, id = register[0]
    stored = await read_event(tx, tenancy.ids.tenant, event_key(tenancy.ids.tenant, source, id))
    return decode_leniently(stored.raw)[0] if stored is not None else None


def _of_contact(thread: Thread, place: int) -> Json:
    """Return which contact asked, and how sure it is who is there: a window may have joined a stranger's."""
    name = dict(zip(thread.conversation.places, thread.conversation.members, strict=True))[place].name
    return {"interaction": name, "level": contact_assurances(thread.conversation, [place], thread.trust)[0].level}


def _verified(proof: Json) -> Json:
    """Show a proof that counts in the conversation."""
    view = {name: proof[name] for name in ("kind", "value", "method", "expires_at", "interaction")}
    scope = {"scope": proof["scope"]} if "scope" in proof else {}
    return {**view, **scope, "verified_at": proof["at"]}


def _is_speech(entry: Json) -> bool:
    """Return whether an entry has words or an attachment."""
    content = entry["text"] or entry["transcript"] or entry.get("attachments")
    return entry["type"].startswith(_SPEECH) and bool(content)


def _line(entry: Json) -> Json:
    line = {
        name: entry[name] for name in ("event", "time", "channel", "interaction", "role", "name", "text", "transcript")
    }
    line |= {name: entry[name] for name in ("subject", "attachments", "delivery") if name in entry}
    if line["role"] is None and entry["type"].startswith("cx.bot."):
        line["role"] = "bot"
    return line


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _words(value: Any) -> list[Any]:
    """Return a packet's list; a single value is a list of one."""
    if isinstance(value, list):
        return value[:LISTED]
    return [value] if value else []


def _members(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
