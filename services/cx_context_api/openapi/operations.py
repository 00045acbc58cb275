"""List every operation, a row each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cx_context_api.conversations.agent_actions import AGENT_ACTIONS
from cx_context_api.identity.decision_commands import DECISION_COMMANDS
from cx_context_api.requests import bodies
from cx_vcon.reading import MEDIA_TYPE as VCON

READ = (400, 401, 403, 404, 405, 429, 503)
WRITE = (400, 401, 403, 404, 405, 408, 413, 415, 422, 429, 503)


_ACTIONS: Mapping[str, tuple[str, str]] = {
    "notes": ("add_note", "Write a note for colleagues"),
    "topic": ("set_topic", "Set the topic"),
    "disposition": ("set_disposition", "Set the disposition"),
    "resolve": ("resolve_conversation", "Resolve the conversation, until the customer comes back to it"),
    "reopen": ("reopen_conversation", "Reopen a resolved conversation"),
    "promise": ("make_promise", "Note what the customer was promised; or, later, whether that was kept"),
    "assign": ("assign_conversation", "Assign the conversation to an agent"),
    "unassign": ("unassign_conversation", "Let anybody deal with it again"),
    "snooze": ("snooze_conversation", "Let it rest until a time, or until the customer speaks again; null wakes it"),
    "undo": ("undo_act", "Take back a note, a topic or a promise"),
    "link": ("link_conversation", "Link another conversation about the same matter"),
    "split": ("split_conversation", "Split an interaction off into its own conversation"),
    "handoffs": ("request_handoff", "Hand the conversation over to somebody else"),
    "handoffs/accept": ("accept_handoff", "Accept a handoff"),
    "handoffs/{handoff}/decline": ("decline_handoff", "Decline a handoff, which goes on waiting"),
    "shown": ("record_context_shown", "Record that the agent sees the context"),
}
"""The id and the summary of each action on a conversation."""

_DECISIONS: Mapping[str, tuple[str, str]] = {
    "merge": ("merge_customers", "Merge two customers"),
    "unmerge": ("unmerge_customers", "Withdraw a decision, or keep two profiles apart"),
    "attribute": ("attribute_interaction", "Attribute an interaction that names nobody to a profile"),
    "dismiss": ("dismiss_candidate", "Dismiss a candidate"),
}

TAGS: Mapping[str, str] = {
    "contexts": "A customer's context, whole or explained.",
    "conversations": "Contacts about one matter over all channels, and what agents do to them.",
    "identity": "Who is who, why, and what people decide about it.",
    "streams": "Server-sent events: read, then follow without a gap.",
    "events": "Events in, one event whole, and files.",
    "directory": "Who agents and queues are.",
    "presence": "Who is at work: for some seconds, and no fact.",
    "lists": "Conversations, queues and agents over all customers, and search.",
}


_LISTS = ("/v1/conversations", "/v1/queues", "/v1/agents", "/v1/search")


@dataclass(frozen=True, slots=True)
class Described:
    """One operation, in a row. ``scope``: the one that its key needs; ``also``: a second one."""

    method: str
    path: str
    id: str
    summary: str
    scope: str
    answer: str
    status: int = 200
    parameters: Sequence[str] = ()
    body: type[bodies.RequestBody] | None = None
    problems: Sequence[int] = READ
    events: str = ""
    further: Mapping[int, str] = field(default_factory=dict)
    media_type: str = "application/json"
    also: str = ""

    @property
    def tag(self) -> str:
        """Return the group that it stands in, which follows from its path."""
        words = self.path.split("/")
        if words[-1] == "stream":
            return "streams"
        if words[-1] == "identity":
            return "identity"
        if self.path in _LISTS:
            return "lists"
        return {"context": "contexts", "customers": "contexts", "event": "events", "attachments": "events"}.get(
            words[2], words[2]
        )

    @property
    def scopes(self) -> list[str]:
        """Return all scopes that a key needs."""
        return [self.scope, self.also] if self.also else [self.scope]


_MOMENT = ("as_of", "known_at")
_CONTEXT = ("at_least", "wait", *_MOMENT)
_CONTEXT_PROBLEMS = (304, *READ, 409, 422, 504)

_MOVED = (
    "`moved` {from, customer, version, why}: the followed id is another customer's now: `absorbed` by a merge, or "
    "`parted`. "
)
_PATCH = "{meta, from, patch}: what makes the body of version `from`, which was told before, the one of `meta.version`"
_ALIVE = (
    "`heartbeat` {now, current_to, lag}: the server's clock, the moment up to which all events are in what is told, "
    "and how many seconds ago that was. Each state is the latest one; intermediate ones may be skipped. When the "
    "stream ends, reconnect after `retry` ms with `Last-Event-ID`."
)
_CUSTOMER_EVENTS = (
    f"Server-sent events. `context`: the context document; `patch` {_PATCH}, with `body=patch`. It is told again, too, "
    "where the contact that `interaction` names is surer or less sure by now. `refused` {reason, detail, contact}: it "
    "is less sure than `assurance` asks for, and "
    f"the stream ends. {_MOVED}{_ALIVE}"
)
_CONVERSATION_EVENTS = f"Server-sent events. `conversation`: {{meta, customer, conversation}}. {_MOVED}{_ALIVE}"
_DESK_EVENTS = (
    "Server-sent events. `assignment`: an interaction that is live there, or is so for another reason or customer than "
    "told before. `released` {interaction, customer}: it is so no more. `live` {assignments: [{interaction, "
    "customer}], more}: once after all that were live at the beginning; whatever else was told before is over. Of "
    "several subjects, and without contexts, each event has a `subject` {kind, id}, `live` comes first and brings "
    "whole assignments; `overdue` {interaction, channel, conversation, customer, queue, waiting_since, due_at, "
    "answer_within}: its customer has waited for longer than the queue's `answer_within` seconds, each wait once; "
    f"`context`, `conversation`, `moved` and `patch` {_PATCH} are as in those streams; "
    "`presence` {present: [{agent, state, typing}], customer_typing}: who looks at it, or the agent's own state, and "
    "in which interactions a customer types, at the beginning and whenever it has changed, with `presence=true`; "
    f"`gone` {{reason, detail}}: there is nothing to follow there (any more). {_ALIVE}"
)

OPERATIONS: Sequence[Described] = (
    Described(
        "get", "/v1/context", "get_context", "The context of an identifier's or an interaction's customer",
        "context:read", "Context",
        parameters=("identifier", "interaction", "scope", "assurance", *_CONTEXT, "If-None-Match"),
        problems=_CONTEXT_PROBLEMS,
    ),
    Described(
        "post", "/v1/context/lookup", "look_up_context", "The same, with the identifier kept out of access logs",
        "context:read", "Context", parameters=("assurance", *_CONTEXT), body=bodies.Lookup, problems=(*WRITE, 409, 504),
    ),
    Described(
        "get", "/v1/context/brief", "get_brief",
        "What a telephone menu or a bot needs of a context, in one short answer", "context:read", "Brief",
        parameters=("interaction", "caller_identifier", "at_least", "wait"),
        problems=(*READ, 409, 504),
    ),
    Described(
        "post", "/v1/context/brief", "look_up_brief", "The same, with the identifier kept out of access logs",
        "context:read", "Brief", parameters=("at_least", "wait"), body=bodies.BriefLookup,
        problems=(*WRITE, 409, 504),
    ),
    Described(
        "get", "/v1/directory", "get_directory",
        "All agents and queues, by which ids their systems know them, and what says so", "context:read",
        "Directory",
    ),
    Described(
        "get", "/v1/customers/{id}/context", "get_customer_context",
        "The context of a customer, by any id that ever was a customer's", "context:read", "Context",
        parameters=("id", "of_interaction", "assurance", *_CONTEXT, "If-None-Match"), problems=_CONTEXT_PROBLEMS,
    ),
    Described(
        "get", "/v1/customers/{id}/timeline", "get_timeline", "All that happened, newest first", "context:read",
        "TimelinePage",
        parameters=(
            "id", "on_channel", "kind", "of_conversation", "words", "since", "until", "per_channel", "cursor", "limit",
            *_MOMENT,
        ),
    ),
    Described(
        "get", "/v1/customers/{id}/journey", "get_journey",
        "The customer's contacts as a picture needs them, those that began last first", "context:read", "JourneyPage",
        parameters=("id", "of_interaction", "assurance", "cursor", "limit", *_MOMENT),
    ),
    Described(
        "get", "/v1/customers/{id}/conversations", "list_conversations", "All conversations, those active last first",
        "context:read", "ConversationPage", parameters=("id", "cursor", "limit", *_MOMENT),
    ),
    Described(
        "get", "/v1/customers/{id}/identity", "get_identity",
        "Why these identifiers are one person: profiles, edges, evidence, decisions and what became of them",
        "context:read", "Identity", parameters=("id", *_MOMENT),
    ),
    Described(
        "get", "/v1/customers/{id}/lineage", "get_lineage", "The events and the rule behind one value of the context",
        "context:read", "Lineage", parameters=("id", "path", "cursor", "limit", *_MOMENT), problems=(*READ, 422),
    ),
    Described(
        "get", "/v1/customers/{id}/diff", "get_diff", "What changed between two moments, and by which events",
        "context:read", "Diff", parameters=("id", "from", "to", "by"), problems=(*READ, 422),
    ),
    Described(
        "get", "/v1/conversations/{id}", "get_conversation", "A conversation over all channels, newest first",
        "context:read", "Thread", parameters=("id", "cursor", "limit", *_MOMENT),
    ),
    Described(
        "get", "/v1/conversations/{id}/vcon", "get_conversation_vcon",
        "A conversation as IETF vCon, by any id of it; by the uuid of an imported vCon that one as it came",
        "context:read", "Vcon", parameters=("id", "syntax"), problems=(*READ, 422), media_type=VCON,
    ),
    Described(
        "get", "/v1/customers/{id}/stream", "follow_customer",
        "The context at once, and again whenever it has changed", "context:read", "Context",
        parameters=("id", "from_version", "body", "of_interaction", "assurance", "Last-Event-ID"),
        problems=(*READ, 409), events=_CUSTOMER_EVENTS,
    ),
    Described(
        "get", "/v1/conversations/{id}/stream", "follow_conversation",
        "A conversation at once, and again whenever it has changed", "context:read", "Thread",
        parameters=("id", "from_version", "Last-Event-ID"), problems=(*READ, 409), events=_CONVERSATION_EVENTS,
    ),
    Described(
        "get", "/v1/stream", "follow_desk",
        "The interactions of agents and queues, and customers and conversations, over one connection", "context:read",
        "Assignment",
        parameters=(
            "followed_agent", "followed_queue", "followed_customer", "followed_conversation", "body", "presence",
            "Last-Event-ID",
        ),
        events=_DESK_EVENTS,
    ),
    Described(
        "put", "/v1/presence", "put_presence",
        "Say that an agent is present, at what, and in which state, for some seconds", "conversations:write",
        "PresenceTaken", body=bodies.Presence, problems=WRITE, also="context:read",
    ),
    Described(
        "get", "/v1/conversations/{id}/handoff", "get_handoff",
        "What the next agent needs to know: what was said, tried and learned, and what is open", "context:read",
        "HandoffPacket", parameters=("id", "asking_interaction", "cursor", "limit"),
    ),
    Described(
        "post", "/v1/conversations/{id}/continue", "issue_token",
        "Issue a token: a code, an address and a link to continue the conversation elsewhere", "conversations:write",
        "TakenToken", 202, parameters=("id", "Idempotency-Key"), body=bodies.Continue, problems=WRITE,
    ),
    Described(
        "post", "/v1/conversations/continue", "continue_conversation", "Continue the conversation of a token",
        "conversations:write", "Taken", 202, parameters=("Idempotency-Key",), body=bodies.Redeem,
        problems=(*WRITE, 409, 410),
    ),
    Described(
        "get", "/v1/conversations", "list_all_conversations", "Conversations of all customers", "context:read",
        "ListedConversationPage",
        parameters=("state", "waiting", "listed_agent", "listed_queue", "channel", "order", "cursor", "limit"),
    ),
    Described("get", "/v1/queues", "list_queues", "All queues, and what waits in them", "context:read", "QueueList"),
    Described("get", "/v1/agents", "list_agents", "All agents, and what they hold", "context:read", "AgentList"),
    Described(
        "get", "/v1/search", "search_tenant", "Customers by name, number, address or order; words in messages",
        "context:read", "SearchPage", parameters=("q", "in", "cursor", "limit"),
    ),
    Described(
        "post", "/v1/search", "search_by_body", "The same, with the words kept out of access logs",
        "context:read", "SearchPage", body=bodies.Search, problems=WRITE,
    ),
    Described(
        "get", "/v1/event", "get_event", "One event whole, with its attachments and its original", "context:read",
        "Event",        parameters=("source", "event_id"), problems=(*READ, 409),
    ),
    Described(
        "get", "/v1/attachments/{id}", "get_attachment",
        "A file that came with a message, or an event's original; always as a download", "context:read", "FileContent",
        parameters=("attachment_id", "If-None-Match"), problems=(304, *READ), media_type="*/*",
    ),
    Described(
        "get", "/v1/identity/candidates", "list_candidates", "Identifiers that several people may own",
        "context:read", "CandidatePage", parameters=("cursor", "limit"),
    ),
    *(
        Described(
            "post", f"/v1/conversations/{{id}}/{name}", *_ACTIONS[name],
            "conversations:write", "Taken", 202,
            parameters=("id", *(["handoff"] if "{handoff}" in name else []), "Idempotency-Key"), body=act.shape,
            problems=(*WRITE, 409) if issubclass(act.shape, bodies.Accept | bodies.Decline) else WRITE,
        )
        for name, act in AGENT_ACTIONS.items()
    ),
    *(
        Described(
            "post", f"/v1/identity/{name}", *_DECISIONS[name], "identity:write", "Taken", 202,
            parameters=("dry_run", "Idempotency-Key"), body=judged.shape, problems=(*WRITE, 409),
            further={200: "Outcome"},
        )
        for name, judged in DECISION_COMMANDS.items()
    ),
    Described(
        "post", "/v1/identity/whatif", "try_identity_rules",
        "Try other rules: who would join or part; nothing is written", "identity:write", "Tried",
        body=bodies.WhatIf, problems=WRITE, also="context:read",
    ),
)  # fmt: skip
