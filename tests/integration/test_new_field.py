"""A field that a release adds to the context is in every older context after a rebuild: CONTRIBUTING's own way.
Meanwhile workers of both releases share the partitions, over a store that the older filled and the newer migrated."""

from __future__ import annotations

import asyncio
import compileall
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.hubs_moved import started
from tests.patience import PATIENCE
from tests.processes import Running, bare_environment, running
from tests.projection import bodies
from tests.replay_hubs import Hub, caught_up

from cx_context.fold_version import FOLD_VERSION
from cx_context.store import Store, open_store
from cx_context.store.migrations import RELEASED
from cx_events.log import INTERACTIONS, Record
from cx_events.log.kafka import KafkaLog
from cx_events.testing.builders import ACME, SECOND, START, an_event

pytestmark = pytest.mark.clock

ROOT = Path(__file__).parents[2]
FOLDERS = ("libs", "services")

EDITS = {
    "libs/cx_context/sections/counts.py": (
        ("    messages: Sum = 0\n", '    messages: Sum = 0\n    surveys: Sum = 0\n    """Answered surveys."""\n'),
        (
            '        "interactions": sum(',
            '        "surveys": sum(of.over_parts(_surveys)),\n'
            '        "interactions": sum(',
        ),
        ('            "messages": WHOLE,\n', '            "messages": WHOLE,\n            "surveys": WHOLE,\n'),
        (
            '        ("counts", "interactions"): made_of(',
            '        ("counts", "surveys"): made_of("the number of answered surveys", "surveys", summed=True),\n'
            '        ("counts", "interactions"): made_of(',
        ),
        (
            "SECTION = Section(\n",
            "def _surveys(parts: Sequence[Part]) -> int:\n    return sum(part.surveys for part in parts)\n\n\n"
            "def _answered(part: Part, fact: Fact, at: At) -> None:\n    part.surveys += 1\n\n\n"
            'SECTION = Section(\n    handlers={"cx.survey.answered.v1": _answered},\n',
        ),
        (
            "from cx_events.json_types import Json\n",
            "from cx_events.facts import Fact\nfrom cx_events.json_types import Json\n"
            "from cx_context.parts.values import At\n",
        ),
    ),
    "libs/cx_context/fold_version.py": (
        (f"FOLD_VERSION = {FOLD_VERSION}\n", f"FOLD_VERSION = {FOLD_VERSION + 1}\n"),
    ),
}  # fmt: skip
"""Each step of "Add a field to the context": the field, its handler, its view, its schema, the version."""

NEXT = f"{int(RELEASED.head) + 1:04}"
REVISION = f'''
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{RELEASED.head}"


def upgrade() -> None:
    op.add_column("parts", sa.Column("trial", sa.Text))
    op.add_column("events", sa.Column("trial", sa.Text))
'''
"""Tables of the next release have more columns."""


@pytest.fixture(scope="module")
def next_release(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The next release, which counts surveys and has more columns: where Python finds it."""
    root = tmp_path_factory.mktemp("next-release")
    for folder in FOLDERS:
        # With what is compiled of it; a process that compiles meanwhile has files there that vanish (*.pyc.NUMBER).
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("fixtures", "golden", "*.pyc.*"))
    for path, edits in EDITS.items():
        text = (root / path).read_text()
        for old, new in edits:
            assert old in text, f"{path} has no {old!r}"
            text = text.replace(old, new, 1)
        (root / path).write_text(text)
    (root / f"libs/cx_context/store/migrations/versions/{NEXT}_trial.py").write_text(REVISION)
    for folder in FOLDERS:  # what is edited, once, and not in each process, which may be told to write none
        compileall.compile_dir(root / folder, quiet=1)
    release = {"PYTHONPATH": os.pathsep.join(str(root / folder) for folder in FOLDERS)}
    environment = {**bare_environment(), **release}
    subprocess.run([sys.executable, "-m", "cx_context.parts.write_model"], env=environment, check=True)
    return release


def cx(settings: Mapping[str, str], *arguments: str) -> Any:
    """Run a command; the JSON that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "cx_hub", *arguments],
        env={**bare_environment(), "CX_LOG_LEVEL": "warning", **settings},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout else None


def events() -> list[dict[str, Any]]:
    """Return a survey and a message of each of three people."""
    found = []
    for name in ("ana", "ben", "cleo"):
        people = [{"role": "customer", "identifiers": [{"kind": "email", "value": f"{name}@example.com"}]}]
        common = {"specversion": "1.0", "source": "//acme.example/surveys"}
        found += [
            common
            | {
                "id": f"{name}-survey",
                "type": "cx.survey.answered.v1",
                "data": {"channel": "survey", "participants": people, "survey": {"metric": "nps", "score": 9}},
            },
            common
            | {
                "id": f"{name}-word",
                "type": "cx.message.received.v1",
                "data": {"channel": "chat", "interaction": f"chat-{name}", "participants": people,
                         "message": {"id": f"m-{name}", "text": "hello"}},
            },
        ]  # fmt: skip
    return found


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.1)


def notes(hub: Running) -> Mapping[str, str]:
    """Return what readiness notes."""
    told: Mapping[str, str] = httpx2.get(f"{hub.url}/readyz", timeout=PATIENCE).json().get("notes", {})
    return told


def counts(hub: Running, home: Path, name: str) -> Any:
    answer = httpx2.get(
        f"{hub.url}/v1/context",
        params={"identifier": f"email:{name}@example.com"},
        headers={"Authorization": f"Bearer {(home / 'key').read_text().strip()}"},
        timeout=PATIENCE,
    )
    return answer.json()["body"]["counts"] if answer.status_code == 200 else None


def test_a_new_field_is_in_every_older_context(tmp_path: Path, next_release: Mapping[str, str]) -> None:
    home = tmp_path / "home"
    old = {"CX_HOME": str(home)}
    new = {**old, **next_release}
    written = tmp_path / "events.json"
    written.write_text(json.dumps(events()))
    with running("up", old, tmp_path / "old") as hub:
        cx({**old, "CX_URL": hub.url}, "events", "send", str(written), "-o", "json")
        eventually(lambda: all((counts(hub, home, name) or {}).get("events") == 2 for name in ("ana", "ben", "cleo")))
        assert "surveys" not in counts(hub, home, "ana")
        hub.stop()
    with running("up", new, tmp_path / "new") as hub:
        assert counts(hub, home, "ana")["surveys"] == 0
        eventually(lambda: "fold" in notes(hub))
        assert cx(new, "rebuild", "status", "-o", "json")["fold"] == {
            "current": FOLD_VERSION + 1,
            "stored": [FOLD_VERSION, FOLD_VERSION + 1],
            "outdated": True,
        }
        cx(new, "rebuild", "context", "--fold-version", "--why", "surveys are counted", "-o", "json")
        assert [counts(hub, home, name)["surveys"] for name in ("ana", "ben", "cleo")] == [1, 1, 1]
        done = cx(new, "rebuild", "status", "-o", "json")
        assert done["fold"] == {"current": FOLD_VERSION + 1, "stored": [FOLD_VERSION + 1], "outdated": False}
        assert done["report"]["differing"] == 3
        assert {path for one in done["report"]["first"] for path in one["paths"]} == {"/counts/surveys"}
        assert cx(new, "rebuild", "context", "--fold-version", "-o", "json") is None
        eventually(lambda: "fold" not in notes(hub))
        hub.stop()
    cx(new, "verify", "-o", "json")


NAMES = [f"person{number}" for number in range(8)]
PEOPLE = [ACME.profile("email", "", f"{name}@example.com") for name in NAMES]
CONFIG = 'tenants: {acme: {id_key: "acme example key"}}\n'


@pytest.mark.kafka
@pytest.mark.postgres
def test_workers_of_two_releases_share_the_partitions(
    tmp_path: Path, next_release: Mapping[str, str], kafka_log: Callable[..., KafkaLog], postgres_database: str
) -> None:
    """The one is exchanged for the other while events come: each counts once, in whatever release's context."""
    (tmp_path / "tenants.yaml").write_text(CONFIG)
    made = kafka_log(partitions=4)
    old = {
        "CX_HOME": str(tmp_path / "home"),
        "CX_CONFIG": str(tmp_path / "tenants.yaml"),
        "CX_LOG_URL": f"kafka://{made.servers}",
        "CX_TOPIC_PREFIX": made.prefix,
        "CX_STORE_URL": postgres_database,
        "CX_PARTITIONS": "4",
        "CX_LEASE_SECONDS": "2",
    }
    new, hub = {**old, **next_release}, Hub(old)
    with running("run projectors", old, tmp_path / "old") as before:
        told = tell(hub, 0)
        caught_up(hub)
        with running("run projectors", new, tmp_path / "new") as after:
            eventually(lambda: len(asyncio.run(owners(old))) == 2)
            told = tell(hub, told)
            caught_up(hub)
            assert len(asyncio.run(owners(old))) == 2
            assert asyncio.run(messages(old)) == [told] * len(NAMES)
            before.stop()
            told = tell(hub, told)
            caught_up(hub)
            assert asyncio.run(messages(old)) == [told] * len(NAMES)
            assert cx(new, "rebuild", "status", "-o", "json")["fold"]["outdated"]
            done = cx(new, "rebuild", "context", "--fold-version", "--why", "all are of the new release", "-o", "json")
            assert {path for one in done["report"]["first"] for path in one["paths"]} == {"/counts/surveys"}
            caught_up(hub)
            found = cx(new, "verify", "-o", "json")
            assert (found["wrong"], found["behind"]) == ([], 0)
            after.stop()


def tell(hub: Hub, first: int) -> int:
    """Append five words and a survey of everybody, and return how many words everybody has said by then."""
    count = first + 5

    async def append() -> None:
        async with started(hub.log()) as log:
            for number in range(first, count):
                await log.append([word_of(name, number) for name in NAMES])
            await log.append([survey_of(name, first) for name in NAMES])

    asyncio.run(append())
    return count


def word_of(name: str, number: int) -> Record:
    at, text = START + number * SECOND, f"word {number}"
    event = an_event(id=f"{name}-{number}", email=f"{name}@example.com", interaction=f"chat-{name}", text=text, at=at)
    return Record(INTERACTIONS, event.key, event.raw)


def survey_of(name: str, number: int) -> Record:
    answer = {"survey": {"metric": "nps", "score": 9}}
    at, id = START + number * SECOND, f"{name}-survey-{number}"
    event = an_event("cx.survey.answered.v1", id=id, email=f"{name}@example.com", at=at, data=answer)
    return Record(INTERACTIONS, event.key, event.raw)


async def owners(settings: Mapping[str, str]) -> set[str]:
    """Return the workers that own partitions of the interactions."""
    async with opened(settings) as store, store.reading() as tx:
        rows = await tx.fetch("SELECT DISTINCT owner FROM partitions WHERE topic = :topic", topic=INTERACTIONS)
    return {owner for (owner,) in rows if owner}


async def messages(settings: Mapping[str, str]) -> list[int]:
    """Return how many messages everybody has, as the older release reads it."""
    async with opened(settings) as store:
        found = await bodies(store, PEOPLE)
    return [json.loads(found[each])["counts"]["messages"] for each in PEOPLE]


@asynccontextmanager
async def opened(settings: Mapping[str, str]) -> AsyncIterator[Store]:
    store = open_store(settings["CX_STORE_URL"])
    await store.start()
    try:
        yield store
    finally:
        await store.stop()
