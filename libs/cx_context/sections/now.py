"""The live contact that was active last."""

from __future__ import annotations

from collections.abc import Sequence

from cx_context.parts.values import At
from cx_context.sections.agents import DEALING, NAME, name_view, names_of
from cx_context.sections.contact_state import WAITING, conversation_state, is_live, waiting_since
from cx_context.sections.proofs import CORE, VOUCHING
from cx_context.sections.rendering import Rendering
from cx_context.sections.section import Section, made_of
from cx_context.sections.takeovers import agent_of
from cx_context.sections.threads import THREADING
from cx_context.threading.contact_model import Contact
from cx_events.json_types import Json
from cx_events.schema_shapes import TEXT, TEXT_OR_NONE, TIME_OR_NONE, named, or_none, ref
from cx_events.timestamps import format_time


def view(of: Rendering) -> Json | None:
    """Return ``now``; None without a live contact. Nobody waits in it where its conversation is resolved."""
    latest = max((each for each in of.over_contacts(_latest_live) if each is not None), default=None, key=_last_of)
    if latest is None:
        return None
    conversation, assurance = of.conversation_of(latest), of.assurance_of(latest)
    latest = of.with_words(latest)
    since = waiting_since(latest.part)
    if since is not None and conversation_state(member.part for member in conversation.members) != "open":
        since = None
    names = names_of(member.part for member in conversation.members)
    return {
        "channel": latest.part.channel[1] if latest.part.channel is not None else None,
        "interaction": latest.name,
        "waiting_since": format_time(since) if since is not None else None,
        "queue": name_view("queue", latest.part.queue, names),
        "agent": name_view("agent", agent_of(latest.part), names),
        "assurance": assurance.at(None, of.trust.lifetimes),
        "verified": next(iter(assurance.proofs_view(of.trust.lifetimes)), None),
    }


def _latest_live(contacts: Sequence[Contact]) -> Contact | None:
    return max((each for each in contacts if is_live(each.part)), default=None, key=_last_of)


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
