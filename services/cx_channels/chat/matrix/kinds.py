"""List kinds of Matrix events that are no event here, each with the reason (client-server-api)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cx_channels.provider import Ignored

_ROOM = "how a room is set up; nothing was said"
_CALL = "how a call's media are connected"
_KEYS = "keys and devices, of which the hub has none"

POLL_ANSWERS = frozenset({"m.poll.response", "org.matrix.msc3381.poll.response"})
"""An answer to a poll, by its stable name and the one that clients use (MSC3381)."""


def _kinds(why: str, names: str) -> Iterable[tuple[str, str]]:
    return ((name, why) for name in names.split())


IGNORED: Mapping[str, str] = {
    "no-events": "the transaction has no events",
    "redacted": "it was taken back before it came; the redaction tells it",
    "m.room.encrypted": "it is encrypted, and the hub holds no keys: not even its kind is known",
    "m.room.member/profile": "somebody changed a name or a picture",
    "m.room.member/other": "an invitation, a knock, or staff that left",
    "m.receipt/ours": "the business read it, or the room is not told",
    "m.typing": "somebody types, which is nothing yet",
    "m.presence": "whether somebody is there, which says nothing",
    "m.server_notice": "the homeserver's own word to a user of it",
    "m.poll.response": "an answer to a poll, which names the option by an id alone",
    "m.key.verification": _KEYS,
    **dict(_kinds(_KEYS, """
        m.room_key m.room_key.withheld m.room_key_request m.room_key_bundle m.forwarded_room_key m.dummy
        m.secret.request m.secret.send""")),
    **dict(_kinds(_CALL, """
        m.call.candidates m.call.select_answer m.call.negotiate m.call.sdp_stream_metadata_changed m.call.member""")),
    **dict(_kinds(_ROOM, """
        m.room.create m.room.name m.room.topic m.room.avatar m.room.power_levels m.room.canonical_alias m.room.aliases
        m.room.join_rules m.room.history_visibility m.room.guest_access m.room.encryption m.room.tombstone
        m.room.third_party_invite m.room.pinned_events m.room.server_acl m.room.policy m.room.image_pack
        m.space.child m.space.parent m.policy.rule.user m.policy.rule.room m.policy.rule.server""")),
}  # fmt: skip


def ignored(kind: str) -> Ignored:
    """Return a kind that is left out, with the reason."""
    return Ignored(kind, IGNORED[kind])
