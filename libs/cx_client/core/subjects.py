"""Keep what a client knows of the subjects that it follows over one stream up to date by each event."""

from __future__ import annotations

from cx_client.core.desks import Desk
from cx_client.core.following import StreamEvent
from cx_client.core.json_patch import BadPatch, apply_patch
from cx_client.core.reading import Context
from cx_events.json_types import Json

DESKS = ("agent", "queue")


class Subjects:
    """The latest states, each by the id by which it is followed.

    ``contexts``: of customers. ``conversations``: with their ``meta`` and ``customer``. ``desks``: by kind (``agent``,
    ``queue``) and id. ``gone``: why there is nothing to follow any more, by kind and id. ``present``: who is at a
    subject; ``customer_typing``: the interactions in which a customer types. ``freshness``: the latest heartbeat,
    ``{now, current_to, lag}``. Begin without a ``last_event_id``, since what was told before is not told again.
    """

    def __init__(self) -> None:
        self.contexts: dict[str, Context] = {}
        self.conversations: dict[str, Json] = {}
        self.desks: dict[tuple[str, str], Desk] = {}
        self.gone: dict[tuple[str, str], Json] = {}
        self.present: dict[tuple[str, str], list[Json]] = {}
        self.customer_typing: dict[str, list[str]] = {}
        self.freshness: Json = {}

    def apply(self, event: StreamEvent) -> None:
        """Take an event of ``follow_subjects``. Raises ``BadPatch`` for a patch of a state that is not held."""
        if event.name == "heartbeat":
            self.freshness = event.data
            return
        subject = event.data.get("subject")
        if subject is None:
            return
        kind, id = subject["kind"], subject["id"]
        if event.name == "presence":
            self.present[kind, id] = event.data["present"]
            if kind == "customer":
                self.customer_typing[id] = event.data.get("customer_typing", [])
        elif event.name == "gone":
            self.gone[kind, id] = event.data
        elif kind in DESKS:
            self.desks.setdefault((kind, id), Desk()).apply(event)
        elif event.name == "conversation":
            self.conversations[id] = event.data
        elif event.name in ("context", "patch"):
            context = context_after(event, self.contexts.get(id))
            if context is not None:
                self.contexts[id] = context


def context_after(event: StreamEvent, held: Context | None) -> Context | None:
    """Return the context that an event ``context`` or ``patch`` makes of the one held; None where it brings no body.

    Raises ``BadPatch`` for a patch of another state than the held one.
    """
    data = event.data
    if event.name == "context":
        return Context(data["meta"], data["body"]) if "body" in data else None
    if held is None or held.version != data["from"]:
        raise BadPatch(f"a patch of version {data['from']}, which is not held")
    return Context(data["meta"], apply_patch(held.body, data["patch"]))
