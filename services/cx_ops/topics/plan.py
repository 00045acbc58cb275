"""Tell what differs between the topics as declared and as they are, and what each difference asks for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from cx_events.log.declarations import FOREVER, Declarations, TopicDeclaration, shown_duration
from cx_events.log.topic_states import TopicState, TopicStates


class Step(StrEnum):
    """The answer that a difference asks for."""

    CREATE = "create"
    SET = "set"
    GROW = "grow"
    REMOVES = "removes records"
    BY_HAND = "by hand"
    REFUSED = "refused"


class Difference(Struct, frozen=True):
    """One difference. ``member``: as the declaration names it, or ``topic`` where the whole topic is missing.
    ``setting``: Kafka's name of it with the value to set, where there is one. ``note``: what to know or to do."""

    topic: str
    member: str
    declared: str
    found: str
    step: Step
    note: str = ""
    setting: tuple[str, str] | None = None


class TopicPlan(Struct, frozen=True):
    """``place``: where the topics are. ``differences``: what is to be done. ``notes``: what is declared and does not
    apply there."""

    place: str
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]


_MEMBERS = {
    "retention.ms": "retention",
    "retention.bytes": "retention_bytes",
    "cleanup.policy": "cleanup",
    "min.insync.replicas": "min_in_sync",
    "max.message.bytes": "max_message_bytes",
    "message.timestamp.type": "timestamps",
}

FILE_NOTE = (
    "the embedded log keeps every record in one file: retention, compaction, replicas and min_in_sync do not apply"
)


def plan_of(declared: Declarations, states: TopicStates) -> TopicPlan:
    """Return what differs. ``declared``: of all topics, with their numbers of partitions."""
    differences: list[Difference] = []
    notes: list[str] = []
    is_file = states.brokers == 0
    if is_file:
        notes.append(FILE_NOTE)
    for topic, as_declared in declared.items():
        fitted = as_declared if is_file else as_declared.fitted(states.brokers)
        state = states.topics.get(topic)
        if state is None:
            differences.append(Difference(topic, "topic", _summary(fitted), "missing", Step.CREATE))
            continue
        differences += _of_partitions(fitted, state, is_file=is_file)
        if not is_file:
            differences += [*_of_replicas(fitted, state), *_of_settings(fitted, state)]
        if fitted.replicas < as_declared.replicas and not is_file:
            notes.append(
                f"{topic}: {as_declared.replicas} replicas are declared; the cluster has {states.brokers} brokers, "
                f"so {fitted.replicas} with {fitted.min_in_sync} in sync are expected"
            )
    return TopicPlan(states.place, tuple(differences), tuple(notes))


def _summary(declaration: TopicDeclaration) -> str:
    return f"{declaration.partitions} partitions, retention {shown_duration(declaration.retention_ms)}"


def _of_partitions(declared: TopicDeclaration, state: TopicState, *, is_file: bool) -> Iterable[Difference]:
    if declared.partitions == state.partitions:
        return
    step, note = _step_of_partitions(declared.partitions, state.partitions, is_file=is_file)
    yield Difference(declared.topic, "partitions", str(declared.partitions), str(state.partitions), step, note)


def _step_of_partitions(declared: int, found: int, *, is_file: bool) -> tuple[Step, str]:
    if declared < found:
        return Step.REFUSED, "partitions are never taken away; move the hub to a new log"
    if is_file:
        return Step.REFUSED, "the file keeps the partitions that it was made with; move the hub to a new log"
    return Step.REFUSED, "with more, two workers would write the same customers; move the hub to a new log"


def _of_replicas(declared: TopicDeclaration, state: TopicState) -> Iterable[Difference]:
    if declared.replicas > state.replicas:
        yield Difference(
            declared.topic,
            "replicas",
            str(declared.replicas),
            str(state.replicas),
            Step.BY_HAND,
            "copies records between brokers: use kafka-reassign-partitions.sh",
        )


def _of_settings(declared: TopicDeclaration, state: TopicState) -> Iterable[Difference]:
    for name, wanted in declared.settings().items():
        found = state.settings.get(name, "")
        if name == "min.insync.replicas" and found and int(wanted) > state.replicas:
            continue  # with more in sync than there are replicas every append would be refused
        if found != wanted and _is_lower_or_differs(name, wanted, found):
            removes = removes_records(name, wanted, found)
            yield Difference(
                declared.topic,
                _MEMBERS[name],
                _shown(name, wanted),
                _shown(name, found),
                Step.REMOVES if removes else Step.SET,
                "the broker deletes records afterwards" if removes else "",
                (name, wanted),
            )


def _is_lower_or_differs(name: str, wanted: str, found: str) -> bool:
    """Return whether the difference counts: a broker that takes larger records than declared does no harm."""
    return not (name == "max.message.bytes" and found.isdecimal() and int(found) > int(wanted))


def removes_records(name: str, wanted: str, found: str) -> bool:
    """Return whether a broker may delete records that it has, once this setting changes so."""
    if name in ("retention.ms", "retention.bytes"):
        return int(wanted) != FOREVER and (found in ("", str(FOREVER)) or int(wanted) < int(found))
    if name == "cleanup.policy":
        return bool(set(wanted.split(",")) - set(found.split(",")))
    return False


def _shown(name: str, value: str) -> str:
    if name == "retention.ms" and value.removeprefix("-").isdecimal():
        return shown_duration(int(value))
    if name == "retention.bytes" and value == str(FOREVER):
        return "unlimited"
    return value


def to_do(differences: Sequence[Difference], *, remove: bool) -> list[Difference]:
    """Return the differences that ``apply`` brings level. ``remove``: also where records go."""
    steps = {Step.CREATE, Step.SET, Step.GROW} | ({Step.REMOVES} if remove else set())
    return [each for each in differences if each.step in steps]
