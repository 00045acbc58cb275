"""Mail threads over HTTP: a forged mail shares no level, a claim shuts no owner out, the last mail says whose it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.api import Running, running_api

from cx_events.envelope import Identifier, Weight
from cx_events.ids import text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, MINUTE, START, an_event
from cx_events.timestamps import Micros, format_time

ANA, THREAD, CHAT = "ana@example.com", "mail/1", "chat/9"
MALLORY = "mallory@evil.example"


@pytest.fixture
async def hub(store_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url, now=lambda: START + 5 * HOUR, heartbeat=0.2) as running:
        yield running


def mail(id: str, weight: Weight, at: Micros, address: str = ANA) -> StampedEvent:
    return an_event(
        id=id, at=at, channel="email", interaction=THREAD, email=address, weight=weight, text=f"{id} said"
    )  # fmt: skip


def assurance(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["meta"]["contact"]["assurance"]["level"]


def said(answer: Any) -> list[str]:
    return [entry["text"] for entry in answer.json()["body"]["timeline"]]


async def test_a_forged_mail_gets_no_proved_threads_context(hub: Running) -> None:
    own, forged, again = (
        mail("own", "proved", START),
        mail("forged", "claimed", START + HOUR),
        mail("again", "proved", START + 2 * HOUR),
    )
    path = f"/v1/context?interaction={THREAD}"
    await hub.happen(own)
    assert assurance(await hub.get(f"{path}&assurance=proved")) == "proved"
    await hub.happen(forged)
    refused = await hub.get(f"{path}&assurance=proved")
    assert (refused.status_code, refused.json()["reason"]) == (403, "not-assured")
    assert assurance(await hub.get(path)) == "claimed"
    for bound in ("as_of", "known_at"):
        before = f"&{bound}={format_time(START + MINUTE)}"
        assert assurance(await hub.get(f"{path}&assurance=proved{before}")) == "proved"
        after = await hub.get(f"{path}&assurance=proved&{bound}={format_time(START + HOUR)}")
        assert after.status_code == 403
    await hub.happen(again)
    answer = await hub.get(f"{path}&assurance=proved")
    assert assurance(answer) == "proved"
    assert said(answer) == ["again said", "own said"]


@pytest.mark.parametrize("past", ["", f"&as_of={format_time(START + 4 * HOUR)}"])
async def test_a_mail_only_customer_is_read_despite_claims(hub: Running, past: str) -> None:
    account = Identifier(kind="account", value="acct-9", weight="proved")
    login = an_event(
        "cx.identity.verified.v1", id="login", at=START - HOUR, interaction=CHAT, identifiers=[account], name="Stan",
        data={"evidence": "login"},
    )  # fmt: skip
    typed = an_event(
        id="typed", at=START + HOUR, interaction=CHAT, text="that is my address",
        identifiers=[account, Identifier(kind="email", value=ANA, weight="claimed")],
    )  # fmt: skip
    await hub.happen(login, mail("own", "proved", START), typed)
    plain = await hub.get(f"/v1/context?interaction={THREAD}{past}")
    assert assurance(plain) == "claimed"
    assert plain.json()["body"]["customer"]["display"] == "Stan"
    answer = await hub.get(f"/v1/context?interaction={THREAD}&assurance=proved{past}")
    contact = answer.json()["meta"]["contact"]
    assert (assurance(answer), contact["alone"]) == ("proved", True)
    assert contact["assurance"]["identifier"] == {"kind": "email", "value": ANA}
    assert said(answer) == ["own said"]
    assert [each["value"] for each in answer.json()["body"]["customer"]["identifiers"]] == [ANA]
    assert "Stan" not in answer.text
    strangers = await hub.get(f"/v1/context?interaction={CHAT}&assurance=proved{past}")
    assert (assurance(strangers), "alone" in strangers.json()["meta"]["contact"]) == ("proved", False)
    assert "own said" not in strangers.text


@pytest.mark.parametrize("past", ["", f"&as_of={format_time(START + 4 * HOUR)}"])
async def test_a_mail_thread_is_read_as_its_last_writers(hub: Running, past: str) -> None:
    ana, mallory = (text_of(ACME.profile("email", "", who)) for who in (ANA, MALLORY))
    path = f"/v1/context?interaction={THREAD}"
    await hub.happen(mail("own", "proved", START), mail("butts-in", "claimed", START + HOUR, MALLORY))
    answer = await hub.get(f"{path}{past}")
    assert assurance(answer) == "claimed"
    assert (answer.json()["body"]["customer"]["id"], answer.json()["meta"]["contact"]["others"]) == (mallory, [ana])
    assert "own said" not in answer.text
    refused = await hub.get(f"{path}&assurance=proved{past}")
    assert (refused.status_code, ana in refused.text) == (403, False)
    hers = await hub.get(f"/v1/customers/{ana}/context?interaction={THREAD}{past}")
    assert (assurance(hers), said(hers)) == ("proved", ["own said"])
    await hub.happen(mail("again", "proved", START + 2 * HOUR))
    answer = await hub.get(f"{path}&assurance=proved{past}")
    assert (assurance(answer), said(answer)) == ("proved", ["again said", "own said"])
    assert mallory not in answer.text
    assert (await hub.get(f"{path}{past}")).json()["meta"]["contact"]["others"] == [mallory]
    before = await hub.get(f"{path}&known_at={format_time(START + HOUR)}")
    assert before.json()["body"]["customer"]["id"] == mallory


@pytest.mark.parametrize(
    "path",
    [
        "customers/{id}/timeline",
        "customers/{id}/conversations",
        "customers/{id}/identity",
        "customers/{id}/lineage?path=customer.id",
        f"customers/{{id}}/diff?from={format_time(START)}&to={format_time(START + HOUR)}",
        "stream?agent=a-1",
    ],
)
async def test_only_context_reads_accept_an_assurance_level(hub: Running, path: str) -> None:
    await hub.happen(mail("own", "proved", START))
    path = "/v1/" + path.format(id=text_of(ACME.profile("email", "", ANA)))
    refused = await hub.get(f"{path}{'&' if '?' in path else '?'}assurance=proved")
    assert (refused.status_code, refused.json()["reason"]) == (400, "unknown-parameter")
