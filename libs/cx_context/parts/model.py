"""What a part is: an hour of one stream's side of one interaction, in a form that adds up.

Every field says by its kind how two parts combine; ``MERGERS`` in ``combine`` is that table. Nothing but integers, text
and what clients sent as JSON stands in a part.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from cx_context.parts.values import At, Register

Said = tuple[At, str, str, str, str]
"""(at, role, name, text, message id): one message of the conversation."""

Files = tuple[At, str, int, list[list[Any]]]
"""(at, key of the event, number of attachments, the first of them): the attachments of one message."""

NOTES_KEPT = 5
TURNS_KEPT = 10
EDITS_KEPT = 16
DELETIONS_KEPT = 256
OTHERS_KEPT = 128
"""Messages that somebody else than the customer wrote: of more the latest count."""

SENTIMENTS_COUNTED = 10
SENTIMENTS_KEPT = 32
"""More than count, since some may turn out to be of deleted messages, or not of the customer's."""

CONSENTS_KEPT = 256
CONSENTS_SHOWN = 64
NAMES_KEPT = 64
USES_KEPT = 16
"""Continuity tokens that one side of an interaction may try: of more the first count."""

AGENTS_KEPT = 32
TOPICS_KEPT = 16
WRITTEN_KEPT = 256
"""Messages of one hour of an endless interaction that others can be seen to quote: of more the first count."""


class Part(Struct, omit_defaults=True, gc=False, kw_only=True):
    """A piece of one stream's side of one interaction: the facts of an hour that are of one weight, or a single fact
    that stands alone (see ``cx_events.activity``). With ``interaction == ""`` all that a stream has outside any
    interaction.

    Times are µs since 1970. Counted are the events that are neither decisions nor insights. ``side``: the id of the
    stream's side of the interaction. ``stream``, ``weight``: the stream's identifier as ``KIND\nSCOPE\nVALUE``, and how
    much it is worth in these facts (``weights.WEIGHT_RANKS``); "" and a claim where they name none. ``about``: None for
    an hour; of a fact that stands alone the part id of the contact that it is about, as UUID text, or "". ``channels``:
    counted events by channel. ``since``, ``until``: the least and the greatest effective time of its facts, counted or
    not. ``active``: of each second with activity when the first was, in order. ``endless``: since when the interaction
    is known never to end. ``references``: by ``KIND\nVALUE`` when each was first mentioned. ``written``, ``quoted``: of
    an endless interaction when each message was first written, by a hash of its id, and first quoted, by its id.
    ``topics``: the latest first. ``deleted``: when each message was deleted, by a hash of its id. ``others``: likewise
    the messages that somebody else than the customer wrote, with the time of the event. ``files``: of the latest
    messages with attachments what ``attachments.kept_of`` keeps, the latest first. ``sentiment``: of each message, by a
    hash of its id, the latest finding ``[thousandths, source]``; a finding about no single message stands by
    itself. ``names``: the last known name of agents and queues, by ``KIND\nID``. ``grants``, ``refusals``: by
    ``cx_context.sections.consents``. ``first_answered``, ``first_shown``: when an agent (by id) first took or spoke in
    it, and first had the context on screen. ``tokens``: continuity tokens issued for it, by id, each ``[expires, single
    use]``; ``token_uses``: when one was first presented in it. ``named``: the other identifiers of its customer, each
    with the greatest weight that it has in any of the facts. ``proofs``, ``assertions``: by identifier and method the
    latest, ``[kind, scope, value, method]``. ``verified``: when each identifier was verified last, by whoever may say
    so. ``heard``: when the last event was recorded by which the customer, or who poses as them, writes, calls or is
    verified; ``open_heard``: likewise of those that came where anybody can write (``fold.OPEN_CHANNELS``).
    """

    interaction: str = ""
    side: bytes = b""
    identifier: str = field(default="", name="home")
    weight: int = 2
    about: str | None = None
    facts: int = 0
    events: int = 0
    messages: int = 0
    channels: dict[str, int] = {}
    first_recorded: int = 0
    last_recorded: int = 0
    since: int = 0
    until: int = 0
    first: At | None = None
    last: At | None = None
    active: list[int] = []
    endless: int | None = None
    channel: Register | None = None
    direction: Register | None = None
    queue: Register | None = None
    agent: Register | None = None
    name: Register | None = None
    names: dict[str, Register] = {}
    queued: At | None = None
    answered: At | None = None
    ended: Register | None = None
    resumed: At | None = None
    customer_spoke: At | None = None
    business_spoke: At | None = None
    heard: int = 0
    open_heard: int = 0
    said: list[Said] = []
    files: list[Files] = []
    edits: dict[str, Register] = {}
    deleted: dict[str, At] = {}
    others: dict[str, int] = {}
    references: dict[str, int] = {}
    written: dict[str, int] = {}
    quoted: dict[str, int] = {}
    topics: list[tuple[At, str]] = []
    summary: Register | None = None
    disposition: Register | None = None
    notes: list[tuple[At, str, str]] = []
    resolved: Register | None = None
    reopened: At | None = None
    links: dict[str, At] = {}
    split: At | None = None
    turns: list[tuple[At, str, str]] = []
    slots: dict[str, Register] = {}
    handoff: Register | None = None
    accepted: Register | None = None
    offered: Register | None = None
    passed: Register | None = None
    shown: Register | None = None
    first_answered: dict[str, At] = {}
    first_shown: dict[str, At] = {}
    tokens: dict[str, Register] = {}
    token_uses: dict[str, At] = {}
    named: dict[str, int] = {}
    verified: dict[str, At] = {}
    proofs: dict[str, Register] = {}
    assertions: dict[str, Register] = {}
    attributes: dict[str, Register] = {}
    preferences: dict[str, Register] = {}
    grants: dict[str, At] = {}
    refusals: dict[str, At] = {}
    sentiment: dict[str, Register] = {}
    surveys: list[tuple[At, str, int, str]] = []
