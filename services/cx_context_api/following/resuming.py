"""Resume a stream: read what a client has, from ``from`` or ``Last-Event-ID``, and tell its follower."""

from __future__ import annotations

import re

from starlette.datastructures import Headers

from cx_context.versions import epoch_of
from cx_context_api.following.conversations import ConversationFollower
from cx_context_api.following.customers import CustomerFollower
from cx_context_api.following.resume_token import ResumePoint, decode_resume_point
from cx_context_api.requests.queries import Query
from cx_context_api.requests.tenancy import Tenancy
from cx_events.errors import Refused
from cx_events.ids import NodeId

_VERSION = re.compile(r"[0-9]{1,18}")


def read_start(
    tenancy: Tenancy, headers: Headers, query: Query, stream: bytes, node: NodeId
) -> tuple[int | None, ResumePoint | None]:
    """Return the version of ``from``, and the resume point of ``Last-Event-ID``.

    With ``Last-Event-ID``, which is the later one, ``from`` is ignored. So is a resume point of another stream, or
    of one that was read with another directory of agents: the client gets the state at once.
    Raises ``Refused("bad-version", 400)``.
    """
    text = query.text("from")
    if text is not None and _VERSION.fullmatch(text) is None:
        raise Refused("bad-version", f"from={text[:20]}: expected a version as in meta.version.", 400)
    last = headers.get("last-event-id")
    if last:
        point = decode_resume_point(tenancy.ids, stream, last)
        return None, point if point is not None and node in (point.node, point.customer) else None
    return int(text) if text is not None else None, None


def resume(
    follower: CustomerFollower | ConversationFollower, since: int | None, point: ResumePoint | None, now: int
) -> None:
    """Tell a new follower what its client has: the state of ``point``, or all before the version ``since``.

    ``now``: the store's version. A resume point of another store's epoch, or one that this store has not reached (it
    was restored from a copy), does not count: the state is sent at once. Raises ``Refused("version-ahead", 409)``.
    """
    if point is not None:
        follower.shown = point.customer
        if epoch_of(point.version) == epoch_of(now) and point.version <= now:
            follower.version = point.version
    elif since is not None:
        if since > now:
            detail = f"The version is {now}; version {since} was never shown. Omit from, or give a lower version."
            raise Refused("version-ahead", detail, 409)
        follower.version = since - 1
