"""Draw whole histories of one tenant with Hypothesis: the hard cases, small and close together.

    @given(histories())
    def test_any_order_gives_the_same(history: list[StampedEvent]) -> None: ...

The pools of people, interactions and times are small, so that identifiers collide, times tie and decisions contradict
each other. A history is in order of arrival, which is neither that of the recorded times nor that of events. It is
built from small integers, so that it shrinks to few and simple events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from hypothesis import strategies as st

from cx_events.facts import Fact
from cx_events.ids import IdSpace, NodeId
from cx_events.json_types import Json
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, DAY, HOUR, SECOND, fact_of
from cx_events.testing.history_events import events_of
from cx_events.testing.history_samples import DECISION_TYPES, LIFE_CYCLE, LINK_TYPES, OPENINGS, OTHERS
from cx_events.testing.history_steps import (
    FILES,
    IDENTIFIERS,
    INTERACTIONS,
    CopyStep,
    DecisionStep,
    EventStep,
    Step,
    weighed,
)


def histories(
    *,
    min_size: int = 0,
    max_size: int = 30,
    ids: IdSpace = ACME,
    candidate_of: Callable[[NodeId], NodeId] = lambda profile: profile,
) -> st.SearchStrategy[list[StampedEvent]]:
    """Return a strategy for histories of ``min_size`` to ``max_size`` copies of events of the tenant of ``ids``.

    ``candidate_of``: the id of the candidate that a shared profile yields, which dismissals name.
    """
    steps = _steps()
    some = max_size - min_size
    # Hypothesis makes lists of about five members; one with gaps is longer, and shrinks by turning members into gaps.
    gappy = st.lists(st.one_of(st.none(), steps), min_size=some // 2, max_size=some)
    chosen = st.tuples(st.sampled_from(OPENINGS), st.lists(steps, min_size=min_size, max_size=min_size), gappy)
    return chosen.map(lambda lists: events_of([step for step in chain(*lists) if step][:max_size], ids, candidate_of))


def facts_of(history: Sequence[StampedEvent], ids: IdSpace = ACME) -> list[Fact]:
    """Return the facts of a history in the same order, copies included."""
    return [fact_of(stamped, ids) for stamped in history]


_people = st.lists(st.integers(0, len(IDENTIFIERS) - 1), max_size=3, unique=True).map(tuple)
_contacts = st.sampled_from((0, 0, 0, 1, 1, 2, 3, 4, 5, 5, 5, 6, None))  # some often, so that events meet there
_weights = st.one_of(
    st.sampled_from((("",), ("claimed",), ("asserted",), ("proved",))),
    st.lists(st.sampled_from(("claimed", "asserted", "proved", "")), min_size=2, max_size=3).map(tuple),
)
_late = st.sampled_from((0, HOUR // SECOND, 2 * DAY // SECOND, 3 * DAY // SECOND, 8 * DAY // SECOND))
_times = st.builds(lambda second, later: second + later, st.integers(0, 12), _late)
_delays = st.sampled_from((0, 1, 2, -1, -5, 3600, 5 * DAY // SECOND))
_sequences = st.sampled_from((None, 0, 1, 2))


def _messages() -> st.SearchStrategy[tuple[str, Json]]:
    """Return a strategy for messages, some with attachments only.

    They may answer others, by ``in_reply_to`` or by a reference, before or after these arrive.
    """
    names = st.sampled_from(("m-1", "m-2", "m-3"))

    def written(
        direction: str, id: str, text: str, parent: str, by_reference: bool, files: Sequence[int]
    ) -> tuple[str, Json]:
        message: Json = {"id": id, "text": text, "content_type": "text/plain"}
        if files:
            message["attachments"] = [FILES[each] for each in files]
        fields: Json = {"direction": direction, "message": message}
        if parent and by_reference:
            fields["references"] = [{"kind": "message", "value": parent}]
        elif parent:
            message["in_reply_to"] = parent
        return f"cx.message.{'received' if direction == 'inbound' else 'sent'}.v1", fields

    return st.builds(
        written,
        st.sampled_from(("inbound", "outbound")),
        names,
        st.sampled_from(("hello", "charged twice", "thanks", "")),
        st.one_of(st.just(""), names),
        st.booleans(),
        st.lists(st.integers(0, len(FILES) - 1), max_size=5),
    )


def _links() -> st.SearchStrategy[tuple[str, Json]]:
    """Return a strategy for events whose data, not whose customer, links two identifiers."""
    numbers = st.integers(0, len(IDENTIFIERS) - 1)
    return st.builds(
        lambda says, a, b, weight, how: (
            says,
            {"links": [[weighed(a, weight), weighed(b, weight)]], "evidence": how, "note": "said so"},
        ),
        st.sampled_from(LINK_TYPES),
        numbers,
        numbers,
        st.sampled_from(("", "claimed", "asserted", "proved")),
        st.sampled_from(("crm", "login")),
    )


def _events() -> st.SearchStrategy[Step]:
    return st.builds(
        lambda what, **rest: EventStep(type=what[0], fields=what[1], **rest),
        st.one_of(_messages(), st.sampled_from(LIFE_CYCLE), st.sampled_from(OTHERS), _links()),
        who=_people,
        weights=_weights,
        verified=st.sampled_from((False, False, False, True)),
        contact=_contacts,
        at=_times,
        delay=_delays,
        sequence=_sequences,
    )


def _decisions() -> st.SearchStrategy[Step]:
    return st.builds(
        DecisionStep,
        type=st.sampled_from(DECISION_TYPES),
        a=st.integers(0, len(IDENTIFIERS) - 2),
        b=st.integers(0, len(IDENTIFIERS) - 2),
        contact=st.integers(0, len(INTERACTIONS) - 1),
        other_contact=st.integers(0, len(INTERACTIONS) - 1),
        named_at=_late,
        earlier=st.integers(0, 4),
        text=st.sampled_from(("billing", "refund")),
        at=_times,
        delay=_delays.map(abs),
    )


def _copies() -> st.SearchStrategy[Step]:
    return st.builds(
        CopyStep,
        of=st.integers(0, 5),
        delay=st.sampled_from((0, 1, -1, 30)),
        change=st.sampled_from(("", "text", "home")),
    )


def _steps() -> st.SearchStrategy[Step]:
    # Mostly events. Three strategies, since ``one_of`` drops duplicates of the same one.
    return st.one_of(_events(), _events(), _events(), _decisions(), _copies())
