"""Declarations of topics: what a file may say, and what differs from a broker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cx_events.errors import Refused
from cx_events.log import CONTEXT_CHANGES, DEAD_LETTERS, INTERACTIONS, STORES, TOPICS
from cx_events.log.declarations import FOREVER, TopicDeclaration, declared_topics, read_declaration
from cx_events.log.topic_states import TopicState, TopicStates
from cx_ops.topics.plan import Step, TopicPlan, plan_of, to_do
from cx_runtime.settings import Settings
from cx_runtime.topics import load_declarations

PUBLISHED = Path(__file__).parents[2] / "schemas" / "topics"


def read(topic: str = CONTEXT_CHANGES, **members: Any) -> TopicDeclaration:
    return read_declaration({"topic": topic, **members})


def refusal(topic: str = CONTEXT_CHANGES, **members: Any) -> str:
    with pytest.raises(Refused) as refused:
        read(topic, **members)
    assert refused.value.reason == "bad-declaration"
    return refused.value.detail


def test_the_published_declarations_read_as_the_products_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CX_TOPICS", str(PUBLISHED))
    assert load_declarations(Settings()) == declared_topics()
    assert {yaml.safe_load(file.read_text())["topic"] for file in PUBLISHED.glob("*.yaml")} == set(TOPICS)


def test_a_file_may_leave_out_what_stays() -> None:
    found = read(retention="7d", retention_bytes=1 << 30, cleanup="compact,delete", partitions=16)
    assert (found.retention_ms, found.retention_bytes) == (604_800_000, 1 << 30)
    assert (found.partitions, found.replicas, found.min_in_sync) == (16, 3, 2)
    assert declared_topics(4, {CONTEXT_CHANGES: found})[CONTEXT_CHANGES].partitions == 16
    assert declared_topics(4)[INTERACTIONS].partitions == 4
    assert declared_topics(4)[STORES].partitions == 1


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"retension": "7d"}, "retension: unknown"),
        ({"retention": "a week"}, "'a week' is neither `forever` nor a time"),
        ({"retention": "0d"}, "retention: '0d'"),
        ({"partitions": 0}, "partitions: 0 is no whole number from 1 to 1024"),
        ({"partitions": True}, "partitions: True"),
        ({"min_in_sync": 4}, "min_in_sync: 4 is more than the 3 replicas"),
        ({"cleanup": "shred"}, "cleanup: 'shred' is none of"),
        ({"max_message_bytes": 1000}, "max_message_bytes: 1000 is no whole number from 2162688"),
    ],
)
def test_a_wrong_member_is_refused_by_name(members: dict[str, Any], says: str) -> None:
    assert says in refusal(**members)


@pytest.mark.parametrize("topic", [INTERACTIONS, DEAD_LETTERS, STORES])
def test_what_all_is_made_of_stays_for_good(topic: str) -> None:
    assert "must be forever" in refusal(topic, retention="365d")
    assert "must be forever" in refusal(topic, retention_bytes=1 << 40)
    assert "cleanup: must be delete" in refusal(topic, cleanup="compact")


def test_the_topic_of_stores_has_one_partition() -> None:
    assert "partitions: must be 1" in refusal(STORES, partitions=2)


def test_a_folders_mistakes_name_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CX_TOPICS", str(tmp_path))
    with pytest.raises(Refused, match=r"has no \*\.yaml"):
        load_declarations(Settings())
    for content, says in (("topic: [", "is no YAML"), ("topic: cx.else", "there is no 'cx.else'"), ("7", "expected")):
        (tmp_path / "one.yaml").write_text(content)
        with pytest.raises(Refused, match=says) as refused:
            load_declarations(Settings())
        assert "one.yaml" in refused.value.detail
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text("topic: cx.context-changes")
    with pytest.raises(Refused, match="declared twice"):
        load_declarations(Settings())


# --- what differs -----------------------------------------------------------------------------------------------------


def planned(brokers: int = 3, changed: TopicDeclaration | None = None, **differing: Any) -> TopicPlan:
    """The plan where the broker has the topics as declared, except for these settings of the context changes."""
    declared = declared_topics()
    topics = {
        topic: TopicState(each.partitions, each.fitted(brokers).replicas, dict(each.fitted(brokers).settings()))
        for topic, each in declared.items()
    }
    of = topics[CONTEXT_CHANGES]
    settings = {**of.settings, **{name.replace("_", "."): value for name, value in differing.items() if "_" in name}}
    topics[CONTEXT_CHANGES] = TopicState(
        differing.get("partitions", of.partitions), differing.get("replicas", of.replicas), settings
    )
    wanted = declared if changed is None else declared_topics(changed={changed.topic: changed})
    return plan_of(wanted, TopicStates("a broker", brokers, topics))


def test_topics_as_declared_are_level() -> None:
    assert planned().differences == ()
    assert planned().notes == ()


def test_a_small_cluster_is_told_and_no_drift() -> None:
    found = planned(brokers=1)
    assert found.differences == ()
    assert any("the cluster has 1 brokers" in note for note in found.notes)


def test_a_missing_topic_is_to_be_created() -> None:
    found = plan_of(declared_topics(), TopicStates("a broker", 1, {}))
    assert {(each.topic, each.step) for each in found.differences} == {(topic, Step.CREATE) for topic in TOPICS}


def test_longer_retention_is_set_and_shorter_removes() -> None:
    longer = planned(retention_ms="3600000")
    assert [(e.member, e.declared, e.found, e.step) for e in longer.differences] == [
        ("retention", "forever", "1h", Step.SET)
    ]
    shorter = planned(changed=read(retention="7d"))
    assert [(e.member, e.declared, e.found, e.step) for e in shorter.differences] == [
        ("retention", "7d", "forever", Step.REMOVES)
    ]
    assert to_do(shorter.differences, remove=False) == []
    assert to_do(shorter.differences, remove=True) == list(shorter.differences)


def test_compaction_removes_and_its_end_does_not() -> None:
    (begun,) = planned(changed=read(cleanup="compact")).differences
    (ended,) = planned(cleanup_policy="compact,delete").differences
    assert (begun.step, ended.step) == (Step.REMOVES, Step.SET)
    (more,) = planned(changed=read(retention_bytes=1 << 30)).differences
    assert more.step is Step.REMOVES
    (less,) = planned(changed=read(retention="7d"), retention_ms=str(FOREVER)).differences
    assert less.step is Step.REMOVES


def test_partitions_are_never_taken_away() -> None:
    (found,) = planned(partitions=12).differences
    assert (found.member, found.step) == ("partitions", Step.REFUSED)
    assert to_do([found], remove=True) == []


def test_missing_replicas_are_for_the_operator() -> None:
    (found,) = (each for each in planned(replicas=1).differences if each.member == "replicas")
    assert found.step is Step.BY_HAND
    assert "kafka-reassign-partitions" in found.note


def test_a_broker_that_takes_larger_records_is_level() -> None:
    assert planned(max_message_bytes="104857600").differences == ()
    (found,) = planned(max_message_bytes="1000012").differences
    assert found.step is Step.SET


def test_a_file_differs_in_partitions_alone() -> None:
    states = TopicStates("log.db", 0, {topic: TopicState(1, 1) for topic in TOPICS})
    found = plan_of(declared_topics(changed={CONTEXT_CHANGES: read(retention="7d", partitions=1)}), states)
    assert {(each.topic, each.member, each.step) for each in found.differences} == {
        (topic, "partitions", Step.REFUSED) for topic in (INTERACTIONS, DEAD_LETTERS)
    }
    assert any("do not apply" in note for note in found.notes)
