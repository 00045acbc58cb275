"""Show the live contact that was active last."""

from __future__ import annotations

from collections.abc import Sequence

from cx_context.parts.model import Part
from cx_context.parts.values import At
from cx_context.sections.agents import DEALING, NAME, name_view, names_of
from cx_context.sections.contact_state import (
    WAITING,
    conversation_state,
    is_live,
    settled_places,
    waiting_since,
)
from cx_context.sections.handoff_acceptances import agent_of
from cx_context.sections.join_fields import THREADING
from cx_context.sections.proofs import CORE, VOUCHING
from cx_context.sections.section import Section, made_of
from cx_context.sections.section_inputs import Rendering
from cx_context.threading.contact_model import Contact
from cx_context.threading.conversations import Conversation
from cx_context.threading.one_contact import as_one, halves_of
from cx_events.json_types import Json
from cx_events.schema_shapes import TEXT, TEXT_OR_NONE, TIME_OR_NONE, named, or_none, ref
from cx_events.timestamps import Micros, format_time


def view(of: Rendering) -> Json | None:
    """Return ``now``; None without a live contact. Nobody waits in it where its conversation is resolved."""
    latest = max((each for each in of.over_contacts(_latest_live) if each is not None), default=None, key=_last_of)
    if latest is not None and not is_live(_whole(of, of.conversation_of(latest), latest).part):
        latest = _latest_wholly_live(of)
    if latest is None:
        return None
    conversation, assurance = of.conversation_of(latest), of.assurance_of(latest)
    whole = _whole(of, conversation, latest).part
    since = _waiting_since(conversation, whole)
    names = names_of(member.part for member in conversation.members)
    return {
        "channel": latest.part.channel[1] if latest.part.channel is not None else None,
        "interaction": latest.name,
        "waiting_since": format_time(since) if since is not None else None,
        "queue": name_view("queue", whole.queue, names),
        "agent": name_view("agent", agent_of(whole), names),
        "assurance": assurance.at(None, of.trust.lifetimes),
        "verified": next(iter(assurance.proofs_view(of.trust.lifetimes)), None),
    }


def _waiting_since(conversation: Conversation, whole: Part) -> Micros | None:
    """Return since when the customer waits in a contact; nobody does where its conversation is resolved."""
    parts = [each.part for each in as_one(conversation.members)]
    if conversation_state(parts) != "open":
        return None
    own = (at for part, at in zip(parts, settled_places(parts), strict=True) if part.interaction == whole.interaction)
    return waiting_since(whole, max((at for at in own if at is not None), default=None))


def _latest_live(contacts: Sequence[Contact]) -> Contact | None:
    return max((each for each in contacts if is_live(each.part)), default=None, key=_last_of)


def _whole(of: Rendering, conversation: Conversation, contact: Contact) -> Contact:
    """Return a contact with its words, and with what other systems tell of it."""
    (whole,) = as_one([of.with_words(half) for half in halves_of(conversation.members, contact)])
    return whole


def _latest_wholly_live(of: Rendering) -> Contact | None:
    """Return the live contact that was active last, where some ended as another system tells."""
    live = sorted((each for each in of.contacts if is_live(each.part)), key=_last_of, reverse=True)
    return next((each for each in live if is_live(_whole(of, of.conversation_of(each), each).part)), None)


def _last_of(contact: Contact) -> tuple[At | None, str]:
    return contact.part.last or contact.part.first, contact.name


_ACTIVE_LAST = "the live interaction that was active last"

SECTION = Section(
    schema=or_none(
        named(
            "Now",
            {
                "channel": TEXT_OR_NONE,
                "interaction": TEXT,
                "waiting_since": TIME_OR_NONE,
                "queue": NAME,
                "agent": NAME,
                "assurance": {**ref("Sureness"), "description": "As if no proof ever expired."},
                "verified": or_none(ref("Proof")),
            }
        )
    ),
    provenance={
        ("now",): made_of(
            _ACTIVE_LAST, *THREADING, *WAITING, *VOUCHING, "last", "queue", *DEALING, "names", threaded=True
        ),
        ("now", "verified"): made_of(
            "what was proved last in " + _ACTIVE_LAST + ", or came to it by a token or a person's link",
            *THREADING, *WAITING, *CORE, "last", threaded=True,
        ),
        ("now", "waiting_since"): made_of(
            "since when the customer waits unanswered in " + _ACTIVE_LAST,
            *THREADING, *WAITING, "last", threaded=True,
        ),
    },
)  # fmt: skip
