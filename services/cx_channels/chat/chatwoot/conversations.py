"""Map what happens to a conversation, and to a contact."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cx_channels.chat.chatwoot.kinds import ignored
from cx_channels.chat.chatwoot.notice import Notice, encode, time_of
from cx_channels.chat.chatwoot.people import agent_of, contact_of, customer, staff
from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import obj, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_events.envelope import Participant
from cx_events.timestamps import format_time

Mapper = Callable[[Notice], Iterator[Outcome]]

_FROM_BOT = "pending"


def map_created(notice: Notice) -> Iterator[Outcome]:
    """Map a new conversation. Its message may be the second one: words come by themselves."""
    if not notice.root:
        yield notice.lost("its account or its number is not named: set the connection's account")
        return
    at = time_of(notice.value.get("created_at"))
    yield _draft(notice, "cx.interaction.started.v1", "created", at, reason=text(notice.value.get("status")))


def _draft(notice: Notice, event_type: str, step: str, at: int | None, *others: Participant, **data: Any) -> Outcome:
    people = [customer(notice, contact_of(notice)), *others]
    return notice.draft(event_type, f"{notice.root}/{step}", people, at, **data)


def map_status(notice: Notice) -> Iterator[Outcome]:
    """Map a change of the status: open, resolved, pending (a bot has it), snoozed."""
    status = text(notice.value.get("status"))
    if not notice.root:
        yield notice.lost("its account or its number is not named: set the connection's account")
    elif status not in ("open", "resolved", "pending", "snoozed"):
        yield notice.lost(f"{status[:32]!r} is no status")
    else:
        at = time_of(notice.value.get("updated_at")) or time_of(notice.value.get("timestamp"))
        yield _status(notice, status, at)


def _status(notice: Notice, status: str, at: int | None) -> Outcome:
    step = f"{status}/{id_part(notice.changed_at)}" if notice.changed_at else status
    assignee = agent_of(obj(obj(notice.value.get("meta")).get("assignee")))
    if status == "resolved":
        return _draft(notice, "cx.interaction.ended.v1", step, at, reason="resolved", agent=assignee)
    if status == "snoozed":
        until = time_of(notice.value.get("snoozed_until"))
        reason = f"snoozed until {format_time(until)}" if until else "snoozed until the next reply"
        return _draft(notice, "cx.interaction.held.v1", step, at, reason=reason)
    if status == "pending":
        return _draft(notice, "cx.interaction.routed.v1", step, at, Participant(role="bot"), reason="pending")
    before = text(notice.changed().get("status", ("", ""))[0])
    if before == _FROM_BOT:
        return _draft(notice, "cx.bot.handoff_asked.v1", step, at, reason="opened by the bot")
    return _draft(notice, "cx.interaction.resumed.v1", step, at, reason="reopened" if before != "snoozed" else before)


def map_updated(notice: Notice) -> Iterator[Outcome]:
    """Map a new assignee or team; labels, priority and attributes of the conversation are not told on."""
    changed = notice.changed()
    if not notice.root:
        yield notice.lost("its account or its number is not named: set the connection's account")
        return
    at = time_of(notice.value.get("updated_at"))
    found = [each for name, draft in _CHANGES.items() if name in changed for each in draft(notice, changed[name], at)]
    yield from found or [ignored("conversation_updated/other")]


def _assignee(notice: Notice, values: tuple[Any, Any], at: int | None) -> Iterator[Outcome]:
    meta = obj(notice.value.get("meta"))
    step = f"assignee/{id_part(notice.changed_at or text(values[1]) or '-')}"
    person = obj(meta.get("assignee"))
    taker = agent_of(person)
    if not text(values[1]):
        yield _draft(notice, "cx.interaction.queued.v1", step, at, reason="unassigned")
    elif taker is not None and taker.id == text(values[1]):
        yield _draft(notice, "cx.interaction.routed.v1", step, at, staff(person, "agent"), agent=taker)
    else:
        yield _draft(notice, "cx.interaction.routed.v1", step, at, agent=agent_of({"id": values[1]}))


def _team(notice: Notice, values: tuple[Any, Any], at: int | None) -> Iterator[Outcome]:
    step = f"team/{id_part(notice.changed_at or text(values[1]) or '-')}"
    team = obj(obj(notice.value.get("meta")).get("team"))
    queue = agent_of(team) if text(team.get("id")) == text(values[1]) else agent_of({"id": values[1]})
    if queue is not None:
        yield _draft(notice, "cx.interaction.queued.v1", step, at, queue=queue)


_CHANGES: Mapping[str, Callable[[Notice, tuple[Any, Any], int | None], Iterator[Outcome]]] = {
    "assignee_id": _assignee,
    "team_id": _team,
}


def map_contact(notice: Notice) -> Iterator[Outcome]:
    """Map who a contact is said to be, and what the business noted of it."""
    contact = {name: value for name, value in notice.value.items() if name not in ("event", "changed_attributes")}
    id = text(contact.get("id"))
    person = customer(notice, contact)
    if not id or not notice.account:
        yield notice.lost("it has no id, or its account is not named")
        return
    told = sha256_hex(notice.raw)[:16]
    base = f"{id_part(notice.account)}/contact/{id_part(id)}"
    if len(person.identifiers) > 1:
        yield _of_contact(notice, "cx.identity.asserted.v1", f"{base}/{told}", person, evidence="chatwoot-contact")
    noted = {name: value for name, value in obj(contact.get("custom_attributes")).items() if value not in (None, "")}
    if noted:
        yield _of_contact(
            notice, "cx.customer.attributes_changed.v1", f"{base}/{told}/attributes", person, attributes=noted
        )  # fmt: skip
    if len(person.identifiers) <= 1 and not noted:
        yield ignored("contact/nobody")


def _of_contact(notice: Notice, event_type: str, id: str, person: Participant, **data: Any) -> Outcome:
    at = time_of(notice.value.get("updated_at")) or time_of(notice.value.get("created_at"))
    return make_draft(
        notice.connection, "chat", event_type, id, raw=encode(notice.value), time=at, participants=[person], **data
    )  # fmt: skip


KINDS: Mapping[str, tuple[Mapper, str]] = {
    "conversation_created": (map_created, "cx.interaction.started"),
    "conversation_status_changed": (
        map_status, "cx.interaction.ended, .resumed, .held, .routed to a bot; cx.bot.handoff_asked of one",
    ),
    "conversation_opened": (map_status, "cx.interaction.resumed, cx.bot.handoff_asked"),
    "conversation_resolved": (map_status, "cx.interaction.ended"),
    "conversation_updated": (map_updated, "cx.interaction.routed to an assignee, cx.interaction.queued for a team"),
    "contact_created": (map_contact, "cx.identity.asserted, cx.customer.attributes_changed"),
    "contact_updated": (map_contact, "cx.identity.asserted, cx.customer.attributes_changed"),
}  # fmt: skip
