"""List kinds of Zendesk's notices that are no event, each with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cx_channels.chat.zendesk.tickets import SAME_STATE

READ_BY_US = "conversation:read/business"
_LIVE = "shown live, and no fact"
_FAILED = "the switchboard did not do it: whoever has the conversation goes on"
_FIELD = "a field of the ticket, not what was said or who deals with it"
_OTHER = "about settings and knowledge, not a contact"


def _kinds(why: str, names: str) -> Iterable[tuple[str, str]]:
    return ((name, why) for name in names.split())


IGNORED: Mapping[str, str] = {
    "conversation:message:delivery:channel": "the channel took the message; whether it arrived is told by itself",
    READ_BY_US: "an agent or a bot read what a customer wrote",
    "conversation:message/activity": "says who joined or left, written by Zendesk itself",
    **dict(_kinds(_LIVE, "conversation:typing v1/conversation:typing")),
    **dict(_kinds("about who is in the conversation, not what is said", "conversation:join conversation:leave")),
    **dict(_kinds(_FAILED, """
        switchboard:offerControl:failure switchboard:acceptControl:failure switchboard:passControl:failure
        switchboard:releaseControl:failure""")),
    "user:remove": "a user was deleted at Zendesk; whether the hub forgets the person is the business's to say",
    **dict(_kinds("a device or channel of a user, told of with each message",
                  "client:add client:update client:remove v1/client:add v1/client:update v1/client:remove")),
    "passthrough:*": "a channel's own data; messages are told by themselves",
    **dict(_kinds("a step of linking a channel", "v1/link:success v1/link:failure v1/link:match")),
    "v1/payment:success": "a payment, which its own system tells",
    **dict(_kinds("the channel took the message", "v1/delivery:success v1/message:delivery:channel")),
    SAME_STATE: "the ticket is neither settled nor taken up again by it",
    **dict(_kinds(_FIELD, """
        ticket.attachment_linked_to_comment ticket.attachment_redacted_from_comment ticket.brand_changed
        ticket.custom_field_changed ticket.custom_status_changed ticket.description_changed ticket.email_ccs_changed
        ticket.external_id_changed ticket.followers_changed ticket.form_changed ticket.organization_changed
        ticket.priority_changed ticket.problem_link_changed ticket.requester_changed ticket.schedule_changed
        ticket.sla_policy_changed ticket.subject_changed ticket.submitter_changed ticket.tags_changed
        ticket.task_due_at_changed ticket.type_changed ticket.undeleted ticket.marked_as_spam""")),
    **dict(_kinds(_OTHER, """
        user.* organization.* article.* community_post.* agent_availability.* omnichannel_config.*""")),
}  # fmt: skip

FAMILIES = frozenset(kind.removesuffix("*") for kind in IGNORED if kind.endswith("*"))
