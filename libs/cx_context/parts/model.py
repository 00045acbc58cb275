"""Define a part: an hour of one stream's side of one interaction, in a form that adds up.

Written by ``python -m cx_context.parts.write_model`` from the ``Fields`` of the sections: change it there. A field's
type says how its values combine (``cx_context.parts.rules``). Times are µs since 1970.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Struct

from cx_context.parts.rules import (
    WORDS,
    FirstAt,
    FirstOfEachSecond,
    Greatest,
    GreatestOrNone,
    LastAt,
    LastAtByKey,
    LastValue,
    LeastOrNone,
    Smallest,
    Sum,
    SumByKey,
    first_by_key,
    greatest_by_key,
    last_by_key,
    latest,
    strongest_by_key,
    weight_and_rank,
)
from cx_context.parts.stored_names import STORED_NAMES
from cx_context.parts.values import KEYS_KEPT, MESSAGES_KEPT, OTHER_IDENTIFIERS_KEPT, REFERENCES_KEPT, At, Register


class Part(Struct, omit_defaults=True, gc=False, kw_only=True, rename=STORED_NAMES):
    """A piece of one stream's side of one interaction: the facts of an hour that are of one weight, or a single fact
    that needs a part of its own (see ``cx_events.activity``). With ``interaction == ""`` all that a stream has outside
    any interaction. It holds nothing but integers, text and what clients sent as JSON."""

    # cx_context.sections.part_identity
    interaction: Greatest[str] = ""
    """The interaction's name; "" for what a stream has outside any interaction."""
    side: Greatest[bytes] = b""
    """The id of the stream's side of the interaction."""
    identifier: Greatest[str] = ""
    """The stream's identifier as ``KIND\\nSCOPE\\nVALUE``; "" where the facts name none."""
    weight: Smallest[int] = 2
    """How much that identifier is worth in these facts (``weights.WEIGHT_RANKS``); a claim where they name none."""
    about: GreatestOrNone = None
    """None for an hour. For a fact in a part of its own the part id of the contact that it is about, or ""."""
    facts: Sum = 0
    first_recorded: Smallest[int] = 0
    last_recorded: Greatest[int] = 0
    since: Smallest[int] = 0
    """The least effective time of its facts, counted or not, in µs."""
    until: Greatest[int] = 0
    """The greatest effective time."""

    # cx_context.sections.counts
    events: Sum = 0
    messages: Sum = 0
    channels: SumByKey = {}
    """Counted events by channel."""

    # cx_context.sections.join_fields
    first: FirstAt = None
    """The first counted event that happened in the contact."""
    last: LastAt = None
    """The last one."""
    channel: LastValue = None
    activity: FirstOfEachSecond = []
    """When there was activity, in µs, in order: of each second the first time."""
    endless_since: LeastOrNone = None
    """Since when the interaction is known never to end."""
    message_times: Annotated[dict[str, int], first_by_key(256)] = {}
    """In an endless interaction when each message was first written, by a hash of its id."""
    quote_times: Annotated[dict[str, int], first_by_key(256)] = {}
    """In an endless interaction when each message was first quoted, by its id."""
    links: LastAtByKey = {}
    """When a person linked it to another contact or conversation, by that one's name or id."""
    split_at: LastAt = None

    # cx_context.sections.agents
    agent: LastValue = None
    """[id, name] of the agent who was named last as dealing with the contact, by other events than acceptances."""
    mentioned: LastValue = None
    """[id, name] of the agent whom what tells about the contact named last (``_TELLING_ABOUT``)."""
    queue: Annotated[LastValue, WORDS] = None
    """[id, name] of the queue that was named last."""
    names: Annotated[dict[str, Register], last_by_key(64)] = {}
    """The last known name of agents and queues, by ``KIND\\nID``."""
    offer: Annotated[LastValue, WORDS] = None
    """The id of the agent to whom the contact was offered."""
    transfer: LastValue = None
    """[how, agent, queue]: to whom or into which queue the contact was passed on."""

    # cx_context.sections.contact_state
    queued_at: LastAt = None
    answered_at: LastAt = None
    end: LastValue = None
    """Why the interaction ended."""
    resumed_at: LastAt = None
    customer_spoke_at: LastAt = None
    business_spoke_at: LastAt = None
    resolution: LastValue = None
    """Why, or with which disposition, the matter was resolved."""
    contact_resolution: LastValue = None
    """The same of a resolve that is about this contact alone."""
    reopened_at: LastAt = None
    wait_begins: Annotated[FirstOfEachSecond, WORDS] = []
    """When a wait may begin: the customer spoke, or was queued. In µs, in order: of each second the first time."""

    # cx_context.sections.proofs
    other_identifiers: Annotated[dict[str, int], strongest_by_key(OTHER_IDENTIFIERS_KEPT, weight_and_rank)] = {}
    """The other identifiers of the customer, each with the greatest weight that it has in any of the facts."""
    verifications: LastAtByKey = {}
    """When each identifier was verified last, by whoever may say so."""
    proofs: Annotated[dict[str, Register], last_by_key(KEYS_KEPT)] = {}
    """The latest proof of each identifier by each method: [kind, scope, value, method]."""
    assertions: Annotated[dict[str, Register], last_by_key(KEYS_KEPT)] = {}
    """The latest assertion of each identifier by each method."""
    customer_active_at: Greatest[int] = 0
    """When the last event was recorded by which the customer, or who poses as them, writes, calls or is verified."""
    open_active_at: Greatest[int] = 0
    """When the last of these was recorded that came where anybody can write (``OPEN_CHANNELS``, posts)."""

    # cx_context.sections.messages
    latest_messages: Annotated[list[tuple[At, str, str, str, str]], latest(MESSAGES_KEPT), WORDS] = []
    """The latest messages, the latest first."""
    edits: Annotated[dict[str, Register], last_by_key(16)] = {}
    """The texts of edited messages, by message id."""
    deletions: Annotated[dict[str, At], greatest_by_key(256)] = {}
    """When each message was deleted, by a hash of its id."""
    spoken: SumByKey = {}
    """How many messages and lines of transcripts each role wrote or spoke."""
    messages_by_others: Annotated[dict[str, int], greatest_by_key(128)] = {}
    """When somebody else than the customer wrote a message, by a hash of its id. Of more the latest count."""

    # cx_context.sections.attachments
    files: Annotated[list[tuple[At, str, int, list[list[Any]]]], latest(MESSAGES_KEPT), WORDS] = []
    """The attachments of the latest messages that have any, the latest first."""
    stored_files: Annotated[dict[str, Register], last_by_key(64), WORDS] = {}
    """The files that were fetched of what a message had at its provider, by the attachment's id: ``Files`` without the
    place."""

    # cx_context.sections.customer
    name: LastValue = None
    """What the customer is called."""
    attributes: Annotated[dict[str, Register], last_by_key(KEYS_KEPT)] = {}
    preferences: Annotated[dict[str, Register], last_by_key(KEYS_KEPT)] = {}

    # cx_context.sections.references
    references: Annotated[dict[str, int], first_by_key(REFERENCES_KEPT)] = {}
    """When each reference was first mentioned, by ``KIND\\nVALUE``."""
    tokens: Annotated[dict[str, Register], last_by_key(KEYS_KEPT)] = {}
    """Continuity tokens issued for the contact, by id: [expires, single use]."""
    token_uses: Annotated[dict[str, At], first_by_key(16)] = {}
    """When a token was first presented in the contact, by its id."""

    # cx_context.sections.notes
    topics: Annotated[list[tuple[At, str]], latest(16)] = []
    """(at, topic), the latest first."""
    summary: Annotated[LastValue, WORDS] = None
    disposition: Annotated[LastValue, WORDS] = None
    notes: Annotated[list[tuple[At, str, str]], latest(16), WORDS] = []

    # cx_context.sections.acts
    assignment: LastValue = None
    """[id, name] of the agent to whom it was assigned last, both "" after it was unassigned."""
    snooze: Annotated[LastValue, WORDS] = None
    """Until when it may rest, in µs; None where it was woken."""
    promises: Annotated[list[tuple[At, str, str, int | None, bool | None]], latest(16), WORDS] = []
    """The latest promises, the latest first."""
    promise_outcomes: Annotated[dict[str, Register], last_by_key(32), WORDS] = {}
    """Whether a promise was kept, by a hash of its event's name; None: open again."""
    undone: Annotated[dict[str, int], greatest_by_key(64)] = {}
    """When an act was taken back, by a hash of its event's name. Of more the latest count."""

    # cx_context.sections.bots
    turns: Annotated[list[tuple[At, str, str]], latest(10), WORDS] = []
    """A bot's latest turns, the latest first."""
    slots: Annotated[dict[str, Register], last_by_key(KEYS_KEPT), WORDS] = {}
    """What a bot learned, by slot."""

    # cx_context.sections.handoff_acceptances
    acceptances: Annotated[list[tuple[At, str, str, str]], latest(16)] = []
    """Who accepted what was passed on, the latest first. Of more the latest count."""
    declines: Annotated[dict[str, Register], last_by_key(32)] = {}
    """[name, reason, the id of what was declined or ""] of each agent's last decline, by the agent's id."""

    # cx_context.sections.handoffs
    handoff: Annotated[LastValue, WORDS] = None
    """[to, reason, role of who asks, name of who asks] of the handoff that was asked for last in the contact."""
    context_view: Annotated[LastValue, WORDS] = None
    """The id of the agent who had the context on screen last."""
    first_answers: Annotated[dict[str, At], first_by_key(32), WORDS] = {}
    """When each agent, by id, first answered or spoke in the contact."""
    first_views: Annotated[dict[str, At], first_by_key(32), WORDS] = {}
    """When each agent, by id, first had the context on screen."""

    # cx_context.sections.glance
    handoff_summary: Annotated[LastValue, WORDS] = None
    """What the handoff that was asked for last is about, in the words of who asked: its packet's summary, else why."""
    handoffs_asked: Sum = 0

    # cx_context.sections.consents
    grants: Annotated[dict[str, At], greatest_by_key(256)] = {}
    """When a profile last granted a purpose, by ``PURPOSE\\nCHANNEL\\nPROFILE\\nRANK``, a hash of the profile."""
    refusals: Annotated[dict[str, At], greatest_by_key(256)] = {}
    """When a profile last refused a purpose, by the same key."""

    # cx_context.sections.sentiment
    sentiment: Annotated[dict[str, Register], last_by_key(32)] = {}
    """The latest finding about each message, by a hash of its id: [thousandths, source]. A finding about no single
    message stands by itself."""
