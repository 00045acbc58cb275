"""Build what the next agent reads: what was said over all channels, what was tried and learned, what is open.

It joins the facts with the packet of the handoff's request. If both have a slot, the packet's value counts: it is the
more recent one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cx_context.sections.handoff_requests import OTHERS_SHOWN, HandoffRequest, handoff_requests, request_view
from cx_context.sections.vouching_facts import contact_assurances
from cx_context.store.events import read_event
from cx_context.store.sql import Tx
from cx_context_api.conversations import histories
from cx_context_api.conversations.conversation_lookup import Thread, contact_named, thread_summary
from cx_context_api.conversations.handoff_actions import request_meant
from cx_context_api.requests.tenancy import Tenancy
from cx_events.codec import decode_leniently
from cx_events.envelope import Event
from cx_events.ids import event_key
from cx_events.json_types import Json

LISTED = 100
"""Maximum items of ``tried`` and of ``open_questions``."""

_SPEECH = ("cx.message.", "cx.social.", "cx.call.transcript.", "cx.bot.turn.")


async def read_handoff_packet(
    tx: Tx, tenancy: Tenancy, thread: Thread, interaction: str | None, cursor: str | None, limit: int
) -> Json:
    """Return ``{request, others, packet, summary, tried, slots, open_questions, verified, notes, transcript, next}``.

    ``request`` and ``packet`` are None if there was no handoff; ``others`` are other contacts' requests.
    ``interaction``: the contact whose request is meant. ``transcript`` is newest first; ``next`` is the cursor of the
    page before it. Raises ``Refused("unknown-interaction", 404)``.
    """
    shown = thread_summary(thread)
    requests = handoff_requests(thread.conversation, thread.trust)
    asked = request_meant(thread, interaction, requests)
    event = await _read_request(tx, tenancy, asked) if asked is not None else None
    packet: dict[str, Any] = {}
    if event is not None and event.data.handoff is not None:
        packet = event.data.handoff.packet
    bot = shown["bot"] or {"trail": [], "slots": {}}
    entries, following = await histories.thread_page(tx, tenancy, thread, cursor, limit)
    others = [each for each in requests if each is not asked][:OTHERS_SHOWN]
    return {
        "request": {
            **request_view(asked, thread.conversation),
            "event": {"source": event.source, "id": event.id},
        }
        if event is not None and asked is not None
        else None,
        "others": [request_view(each, thread.conversation) for each in others],
        "packet": packet if event is not None else None,
        "summary": _text(packet.get("summary")) or shown["summary"],
        "tried": [*_words(packet.get("tried")), *(turn["text"] for turn in bot["trail"] if turn["text"])][:LISTED],
        "slots": {**bot["slots"], **_members(packet.get("slots"))},
        "open_questions": _words(packet.get("open_questions")),
        "verified": [_verified(proof) for proof in _proofs(thread, interaction, asked, shown)],
        "notes": shown["notes"],
        "transcript": [_line(entry) for entry in entries if _is_speech(entry)],
        "next": following,
    }


async def _read_request(tx: Tx, tenancy: Tenancy, asked: HandoffRequest) -> Event | None:
    *_, source, id = asked.order
    stored = await read_event(tx, tenancy.ids.tenant, event_key(tenancy.ids.tenant, source, id))
    return decode_leniently(stored.raw)[0] if stored is not None else None


def _proofs(thread: Thread, interaction: str | None, asked: HandoffRequest | None, shown: Json) -> Sequence[Json]:
    """Return what was proved in the contact that asked, else in the one that is named, else in the one active last.

    What a customer proved says nothing of a stranger whose contact a window joined.
    """
    if asked is not None:
        contact = asked.contact
    elif interaction is not None:
        contact = contact_named(thread, interaction)
    else:
        proofs: Sequence[Json] = shown["verified"]
        return proofs
    conversation, trust = thread.conversation, thread.trust
    members = zip(conversation.places, conversation.members, strict=True)
    place = next(place for place, member in members if member is contact)
    return contact_assurances(conversation, [place], trust)[0].proofs_view(trust.lifetimes)


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
