"""A random history with something for every table of a store. The same seed gives the same bytes."""

from __future__ import annotations

from random import Random

from msgspec import structs

from cx_events.blob import blob_name
from cx_events.dead_letters import DeadLetter, encode_dead_letter
from cx_events.envelope import Identifier
from cx_events.ids import text_of
from cx_events.json_types import Json
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, DAY, HOUR, SECOND, START, a_decision, an_event

FILE, ORIGINAL, LETTERED = b"a bill", b'{"kind": "original"}' * 20, b"what no adapter could read"
CONTENTS = (FILE, ORIGINAL, LETTERED)
"""The blobs that every history names: a file's, an original's and a dead letter's."""

RECORDED = "2026-11-22T10:00:00.000000Z"


def history(random: Random) -> list[StampedEvent]:
    """Return events in a random order of arrival. Some come twice; a merge stands, another was taken back."""
    told = [*people(random), *decisions(random), *candidates(random)]
    random.shuffle(told)
    return [*told, *random.sample(told, 5)]


def people(random: Random) -> list[StampedEvent]:
    """Return events of several people: a long chat, contacts in other channels, a call that names nobody, a survey."""
    both = [_email("ana"), Identifier(kind="phone", value="+15550100101")]
    proved = [structs.replace(one, verified=True) for one in (_email("ana"), Identifier(kind="crm", value="C-1"))]
    attached = {"name": "bill.pdf", "content_type": "application/pdf", "blob": blob_name(FILE)}
    sent: Json = {"message": {"id": "file", "text": "see there", "attachments": [attached]}}
    links: Json = {"note": "n", "links": [[_plain(both[0]), {"kind": "account", "value": "a-1"}]], "evidence": "crm"}
    first = random.randrange(60)
    return [
        *(an_event(id=f"m-{n}", email="ana@example.com", interaction="chat-1", text=f"hi {random.random()}",
                   at=START + (first + n) * SECOND) for n in range(12 + random.randrange(6))),
        an_event("cx.interaction.queued.v1", id="q", email="ben@example.com", interaction="chat-2",
                 data={"queue": {"id": "billing", "name": "Billing"}}),
        an_event(id="both", identifiers=both, interaction="chat-3", text="it is me", at=START + SECOND),
        an_event("cx.identity.verified.v1", id="proof", identifiers=proved, at=START + 2 * SECOND),
        an_event("cx.customer.fact.v1", id="links", email="cleo@example.com", at=START + 3 * SECOND, data=links),
        an_event("cx.interaction.started.v1", id="ring", interaction="call-9", channel="voice"),
        an_event("cx.survey.answered.v1", id="survey", email="ana@example.com",
                 data={"survey": {"metric": "nps", "score": 1e300}}),
        *(_said_otherwise(n, START + (first + n) * SECOND) for n in range(2)),
        an_event(id="file", email="ben@example.com", interaction="chat-2", at=START + 7 * SECOND, data=sent),
        an_event(id="kept", email="ben@example.com", interaction="chat-2", text="x", at=START + 8 * SECOND,
                 data={"raw": {"blob": blob_name(ORIGINAL), "content_type": "application/json"}}),
        *(an_event(id=f"some-{n}", email=f"p{random.randrange(9)}@example.com", text="hello", channel="email",
                   interaction=f"mail-{random.randrange(9)}", at=START + random.randrange(3 * DAY // HOUR) * HOUR)
          for n in range(20 + random.randrange(20))),
    ]  # fmt: skip


def decisions(random: Random) -> list[StampedEvent]:
    """Return what people decided: two merges, an attribution, a dismissal that nobody needed, a change of rules."""
    ana, ben, p1, p2 = (ACME.profile("email", "", f"{name}@example.com") for name in ("ana", "ben", "p1", "p2"))
    at = START + random.randrange(5, 50) * SECOND
    merged, other = (
        {"identity": {"a": text_of(ana), "b": text_of(ben)}},
        {"identity": {"a": text_of(p1), "b": text_of(p2)}},
    )
    attributed = {"identity": {"interaction": "call-9", "profile": text_of(ben)}}
    rules = {"identity": {"rules": {"shared_after": {"phone": 3}}}}
    return [
        a_decision("cx.identity.merged.v1", id="d-1", about=ana, at=at, data=merged),
        a_decision("cx.identity.merged.v1", id="d-4", about=p1, at=at + SECOND, data=other),
        a_decision("cx.identity.attributed.v1", id="d-2", about=ben, at=at + 2 * SECOND, data=attributed),
        a_decision("cx.identity.rules_changed.v1", id="d-3", about=ACME.tenant_node(), at=START, data=rules),
    ]


def candidates(random: Random) -> list[StampedEvent]:
    """Return claims that join nobody: a cookie on a shared device, and a number that many typed."""
    return [
        *(an_event(id=f"typed-{name}", email=f"{name}@example.com", cookie="c-9", at=START + n * SECOND)
          for n, name in enumerate(("dora", "eve"))),
        *(an_event(id=f"many-{n}", email=f"s{n}@example.com", phone="+15550100102", at=START + n * SECOND)
          for n in range(4 + random.randrange(3))),
        *(an_event(id=f"last-{n}", email=f"l{n}@example.com", at=START + DAY) for n in range(4)),
    ]  # fmt: skip


def letters() -> list[bytes]:
    """Return records of the topic of dead letters: one of a large original, and the discard of another."""
    return [encode_dead_letter(each) for each in (
        _letter("broken", detail="a field is missing", blob=blob_name(LETTERED)),
        _letter("gone", detail="no name"),
        structs.replace(_letter("gone", detail=""), discarded=True, by="key/ops", why="a test of the sender's"),
    )]  # fmt: skip


def _letter(id: str, *, detail: str, blob: str = "") -> DeadLetter:
    return DeadLetter(tenant="acme", source="//acme.example/chat", id=id, stage="map", reason="malformed",
                      detail=detail, recorded=RECORDED, blob=blob)  # fmt: skip


def _said_otherwise(number: int, at: int) -> StampedEvent:
    """Return a copy of an event that says something else, and was recorded later."""
    return an_event(id=f"m-{number}", email="ana@example.com", interaction="chat-1", text="said otherwise", at=at,
                    recorded=START + DAY)  # fmt: skip


def _email(name: str) -> Identifier:
    return Identifier(kind="email", value=f"{name}@example.com")


def _plain(identifier: Identifier) -> Json:
    return {"kind": identifier.kind, "value": identifier.value}
