"""Map Intercom's notifications by topic.

``TOPICS``, ``IGNORED`` and ``unmapped_kinds.TOPICS`` together name every documented topic
(developers.intercom.com/docs/references/1.0/webhooks/webhook-models to .../2.17/... and .../preview/...).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cx_channels.chat.intercom import calls, contacts, conversations, parts, tickets, unmapped_kinds
from cx_channels.chat.intercom.notification import Notification, read
from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.outcomes import Outcome, bounded, no_adapter
from cx_channels.provider import Connection, Ignored, Mapped, Request, Unmapped
from cx_events.dead_letters import UNKNOWN_KIND

Mapper = Callable[[Notification], Iterator[Outcome]]

_KNOWN = "cx.identity.asserted, and cx.customer.attributes_changed where it has attributes"
_TAG = "cx.customer.fact"
_CSAT = "cx.survey.answered (csat)"
_STARTED = "cx.interaction.started and its first words"
_ASSIGNED = "cx.interaction.routed; answered where an agent takes it, queued where nobody has it"

TOPICS: Mapping[str, tuple[Mapper, str]] = {
    # conversations: what is said
    "conversation.user.created": (conversations.map_created, f"{_STARTED}, cx.message.received"),
    "conversation.user.replied": (conversations.map_parts, "cx.message.received; also resumed where it reopens"),
    "conversation.admin.single.created": (conversations.map_created, f"{_STARTED}, cx.message.sent"),
    "conversation.admin.replied": (conversations.map_parts, "cx.message.sent; also what else the part does"),
    "conversation.operator.replied": (conversations.map_parts, "cx.message.sent by a bot"),
    "conversation.admin.noted": (conversations.map_state(parts.draft_note), "cx.conversation.note"),
    "conversation.read": (conversations.map_read, "cx.message.read, up to then"),
    "conversation_part.redacted": (conversations.map_redaction, "cx.message.deleted"),
    # conversations: who has them, and whether they go on
    "conversation.admin.assigned": (conversations.map_state(parts.draft_assignment), _ASSIGNED),
    "conversation.admin.open.assigned": (conversations.map_state(parts.draft_assignment), _ASSIGNED),
    "conversation.admin.closed": (conversations.map_state(parts.draft_closing), "cx.interaction.ended"),
    "conversation.admin.opened": (conversations.map_state(parts.draft_reopening), "cx.interaction.resumed"),
    "conversation.admin.snoozed": (conversations.map_state(parts.draft_snooze), "cx.interaction.held"),
    "conversation.admin.unsnoozed": (conversations.map_state(parts.draft_reopening), "cx.interaction.resumed"),
    "conversation.deleted": (conversations.map_deletion, "cx.interaction.ended with reason deleted"),
    # conversations: what is thought of them
    "conversation.rating.added": (conversations.map_rating, _CSAT),
    "conversation.priority.updated": (conversations.map_priority, "cx.customer.fact"),
    "conversation_part.tag.created": (conversations.map_tags, f"{_TAG}, for each tag"),
    # tickets
    "ticket.created": (tickets.map_created, "cx.interaction.started with title and description"),
    "ticket.contact.replied": (conversations.map_parts, "cx.message.received"),
    "ticket.admin.replied": (conversations.map_parts, "cx.message.sent"),
    "ticket.note.created": (conversations.map_state(parts.draft_note), "cx.conversation.note"),
    "ticket.admin.assigned": (conversations.map_state(parts.draft_assignment), _ASSIGNED),
    "ticket.team.assigned": (conversations.map_state(parts.draft_assignment), _ASSIGNED),
    "ticket.state.updated": (
        tickets.map_state,
        "cx.customer.fact; also cx.conversation.resolved when resolved",
    ),
    "ticket.resolved": (tickets.map_resolved, "cx.conversation.resolved"),
    "ticket.closed": (conversations.map_state(parts.draft_closing), "cx.interaction.ended"),
    "ticket.rating.provided": (conversations.map_rating, _CSAT),
    # contacts, API 2.x
    "contact.user.created": (contacts.map_contact, _KNOWN),
    "contact.user.updated": (contacts.map_contact, _KNOWN),
    "contact.lead.created": (contacts.map_contact, _KNOWN),
    "contact.lead.updated": (contacts.map_contact, _KNOWN),
    "contact.lead.added_email": (contacts.map_contact, _KNOWN),
    "contact.lead.signed_up": (contacts.map_contact, _KNOWN),
    "contact.email.updated": (contacts.map_contact, _KNOWN),
    "contact.unarchive": (contacts.map_contact, _KNOWN),
    "contact.unarchived": (contacts.map_contact, _KNOWN),
    "contact.merged": (contacts.map_merge, "cx.identity.asserted with a link to the contact that was absorbed"),
    "contact.user.tag.created": (contacts.map_tag, _TAG),
    "contact.user.tag.deleted": (contacts.map_untag, _TAG),
    "contact.lead.tag.created": (contacts.map_tag, _TAG),
    "contact.lead.tag.deleted": (contacts.map_untag, _TAG),
    # contacts, API 1.x: users, leads ("contact") and visitors
    "user.created": (contacts.map_contact, _KNOWN),
    "user.updated": (contacts.map_contact, _KNOWN),
    "user.email.updated": (contacts.map_contact, _KNOWN),
    "contact.created": (contacts.map_contact, _KNOWN),
    "contact.updated": (contacts.map_contact, _KNOWN),
    "contact.added_email": (contacts.map_contact, _KNOWN),
    "contact.signed_up": (contacts.map_contact, _KNOWN),
    "visitor.signed_up": (contacts.map_contact, _KNOWN),
    "user.tag.created": (contacts.map_tag, _TAG),
    "user.tag.deleted": (contacts.map_untag, _TAG),
    "contact.tag.created": (contacts.map_tag, _TAG),
    "contact.tag.deleted": (contacts.map_untag, _TAG),
    # what they agreed to
    "contact.subscribed": (contacts.map_marketing_consent(True, "email"), "cx.consent.changed (marketing by email)"),
    "contact.unsubscribed": (contacts.map_marketing_consent(False, "email"), "cx.consent.changed (marketing by email)"),
    "contact.unsubscribed_from_sms": (
        contacts.map_marketing_consent(False, "sms"),
        "cx.consent.changed (marketing by sms)",
    ),
    "user.unsubscribed": (contacts.map_marketing_consent(False, "email"), "cx.consent.changed (marketing by email)"),
    "user.unsubscribed_from_sms": (
        contacts.map_marketing_consent(False, "sms"),
        "cx.consent.changed (marketing by sms)",
    ),
    "granular.subscribe": (contacts.map_subscriptions(True), "cx.consent.changed, for each subscription type"),
    "granular.unsubscribe": (contacts.map_subscriptions(False), "cx.consent.changed, for each subscription type"),
    # calls of Intercom Phone
    "call.started": (calls.map_started, "cx.interaction.started of a call"),
    "call.ended": (calls.map_ended, "cx.interaction.answered and .ended of a call, .abandoned where nobody answered"),
    "call.recording_available": (calls.map_recording, "cx.call.recording"),
    # events that the business records about its users
    "event.created": (contacts.map_data_event, "cx.customer.fact"),
}

_TWICE = "the reply has a topic of its own; this adds a translation"
_STAFF = "teammates and their accounts are no customers"
_CONTENT = "help articles and what Fin may read are no talk"
_WORKINGS = "the workings of the workspace, not of a conversation"

IGNORED: Mapping[str, str] = {
    "ping": "a test of the address",
    "url-check": "a HEAD carries nothing; its answer says that the address is there",
    "other-workspace": "the setting workspaces does not list the notification's app_id",
    parts.OTHER_PART: parts.NO_WORDS,
    "conversation.admin.replied.translated": _TWICE,
    "ticket.admin.replied.translated": _TWICE,
    **dict.fromkeys(
        (
            "admin.added_to_workspace", "admin.removed_from_workspace", "admin.away_mode_updated", "admin.logged_in",
            "admin.logged_out", "admin.activity_log_event.created", "admin.*",
        ), _STAFF,
    ),
    **dict.fromkeys(
        (
            "article.created", "article.updated", "article.published", "article.unpublished", "article.deleted",
            "article.*", "content_snippet.created", "content_snippet.updated", "content_snippet.deleted",
            "content_snippet.*", "content_import_source.created", "content_import_source.updated",
            "content_import_source.deleted", "content_import_source.*",
        ), _CONTENT,
    ),
    **dict.fromkeys(
        (
            "api.request.completed", "job.completed", "data_connector.execution.completed",
            "messenger.deployment_completed.event.created",
        ), _WORKINGS,
    ),
}  # fmt: skip

DOCUMENTED: Mapping[str, str] = {
    **{topic: becomes for topic, (_, becomes) in TOPICS.items()},
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
    **{kind: f"kept: {why}" for kind, why in unmapped_kinds.TOPICS.items()},
}


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one notification.

    Raise ``Refused("malformed")`` for a body that is none. A topic without a mapping, or unknown, becomes ``Unmapped``.
    """
    return sort_outcomes(_outcomes_of(request, connection))


def _outcomes_of(request: Request, connection: Connection) -> Iterator[Outcome]:
    if request.method == "HEAD":
        yield _ignored("url-check")
        return
    notification = read(request.body, connection)
    topic, id, raw = notification.topic, notification.id, notification.raw
    if not _ours(notification):
        yield _ignored("other-workspace")
    elif topic in TOPICS:
        yield from bounded(TOPICS[topic][0](notification), id, raw)
    else:
        yield _without_adapter(notification)


def _without_adapter(notification: Notification) -> Ignored | Unmapped:
    topic, id, raw = notification.topic, notification.id, notification.raw
    # A new topic of a family that tells of no customer tells of none either.
    for kind in (topic, f"{topic.partition('.')[0]}.*"):
        if kind in IGNORED:
            return _ignored(kind)
        if kind in unmapped_kinds.TOPICS:
            return no_adapter(topic[:64], unmapped_kinds.TOPICS[kind], id, raw)
    return Unmapped(id, f"{UNKNOWN_KIND}: the topic {topic[:64]!r}", raw)


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the notification's topic where it has an adapter."""
    topic = "" if request.method == "HEAD" else read(request.body, connection).topic
    return (topic,) if topic in TOPICS else ()


def _ours(notification: Notification) -> bool:
    """Return whether the notification's workspace is one of ours.

    One app may be installed in many workspaces, and all notify one address
    (developers.intercom.com/docs/webhooks/setting-up-webhooks).
    """
    listed: Any = notification.connection.settings.get("workspaces")
    workspaces = listed if isinstance(listed, list | tuple) else [listed] if listed else []
    return not workspaces or notification.topic == "ping" or notification.app in map(str, workspaces)


def _ignored(kind: str) -> Ignored:
    return Ignored(kind, IGNORED[kind])
