"""Selected customers are made anew in place, from their stored events, and nobody else's version rises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.api import Running, running_api
from tests.integration.test_rebuild import ANA, BEN, CLEO, damage, history, said, stored_body, versions, wrong
from tests.projection import WINDOW

from cx_context.store import segments
from cx_events.errors import Refused
from cx_events.ids import NodeId, text_of
from cx_events.testing.builders import ACME, SECOND, START, a_decision
from cx_ops.rebuild.customers import CustomersRebuild, CustomersReport
from cx_ops.rebuild.selection import Selection, checked
from cx_projectors import refold

pytestmark = pytest.mark.clock

DORA = ACME.profile("email", "", "dora@example.com")
CALL = ACME.interaction("call-9")


@pytest.fixture
async def hub(store_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with running_api(tmp_path, store_url, heartbeat=0.2) as running:
        await running.happen(*history())
        yield running


async def rebuilt(hub: Running, selection: Selection, *, review: bool = False) -> CustomersReport:
    tenants = {name: (one.ids, WINDOW) for name, one in hub.projector.tenants.items()}
    return await CustomersRebuild(hub.store, tenants, refold, lambda sentence: None).run(selection, review=review)


async def forget_parts(hub: Running, node: NodeId) -> None:
    await damage(hub, "DELETE FROM parts WHERE stream_id = :node", node=node)


async def test_one_customer_is_made_anew(hub: Running) -> None:
    before, body = await versions(hub), await stored_body(hub, CLEO)
    await forget_parts(hub, CLEO)
    report = await rebuilt(hub, Selection(customer=CLEO))
    assert (report.customers, report.events, report.differing, report.written) == (1, 5, 1, True)
    assert report.first[0].customer == text_of(CLEO)
    assert f"{said('cleo', 0).source}#cleo-0" in report.first[0].events
    assert await stored_body(hub, CLEO) == body
    after = await versions(hub)
    assert after.pop(CLEO) > before.pop(CLEO)
    assert after == before
    assert await wrong(hub) == []


async def test_a_part_that_no_event_explains_goes(hub: Running) -> None:
    await damage(hub, "UPDATE parts SET stream_id = :dora WHERE stream_id = :cleo", dora=DORA, cleo=CLEO)
    assert await wrong(hub)
    await rebuilt(hub, Selection(customer=DORA))
    await rebuilt(hub, Selection(customer=CLEO))
    assert await wrong(hub) == []
    assert (await hub.body("email:cleo@example.com"))["counts"]["messages"] == 5
    assert (await hub.body("email:dora@example.com"))["counts"]["messages"] == 5


async def test_a_member_finds_the_whole_customer(hub: Running) -> None:
    body = await stored_body(hub, BEN)
    await forget_parts(hub, ANA)
    assert (await rebuilt(hub, Selection(customer=BEN))).differing == 1
    assert await stored_body(hub, BEN) == body
    assert await wrong(hub) == []


async def test_what_follows_a_customer_is_made_anew(hub: Running) -> None:
    attributed = {"identity": {"interaction": "call-9", "profile": text_of(CLEO)}}
    await hub.happen(
        a_decision("cx.identity.attributed.v1", id="d-2", about=CLEO, at=START + 60 * SECOND, data=attributed)
    )
    body = await stored_body(hub, CLEO)
    await forget_parts(hub, CALL)
    assert await stored_body(hub, CLEO) != body
    report = await rebuilt(hub, Selection(customer=CLEO))
    assert [one.customer for one in report.first] == [text_of(CLEO)]
    assert await stored_body(hub, CLEO) == body
    assert await wrong(hub) == []


async def test_a_damaged_body_is_made_anew(hub: Running) -> None:
    body = await stored_body(hub, CLEO)
    await damage(hub, "UPDATE parts SET body = :body WHERE stream_id = :cleo", body=b"no part", cleo=CLEO)
    await rebuilt(hub, Selection(customer=CLEO))
    assert await stored_body(hub, CLEO) == body
    assert await wrong(hub) == []


async def test_a_long_part_gets_its_segments_again(hub: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "SEGMENT_FACTS", 8)
    await hub.happen(*(said("cleo", 10 + number) for number in range(12)))
    await forget_parts(hub, CLEO)
    await damage(hub, "DELETE FROM segments")
    await rebuilt(hub, Selection(customer=CLEO))
    assert await wrong(hub) == []


async def test_a_review_changes_nothing(hub: Running) -> None:
    await forget_parts(hub, CLEO)
    before, body = await versions(hub), await stored_body(hub, CLEO)
    report = await rebuilt(hub, Selection(customer=CLEO), review=True)
    assert (report.differing, report.written) == (1, False)
    assert await stored_body(hub, CLEO) == body
    assert await versions(hub) == before


async def test_nothing_rises_where_nothing_differs(hub: Running) -> None:
    before = await versions(hub)
    report = await rebuilt(hub, Selection(tenant="acme"))
    assert report.customers == 4
    assert (report.events, report.differing, report.parts) == (21, 0, 0)
    assert await versions(hub) == before


async def test_a_tenant_is_made_anew(hub: Running) -> None:
    await forget_parts(hub, CLEO)
    await forget_parts(hub, DORA)
    await forget_parts(hub, CALL)
    report = await rebuilt(hub, Selection(tenant="acme"))
    assert {one.customer for one in report.first} >= {text_of(CLEO), text_of(DORA)}
    assert await wrong(hub) == []


async def test_only_those_with_something_new_are_selected(hub: Running) -> None:
    await hub.happen(said("cleo", 1000), said("dora", 1001))
    await forget_parts(hub, CLEO)
    await forget_parts(hub, BEN)
    report = await rebuilt(hub, Selection(since=START + 1000 * SECOND))
    assert (report.customers, report.differing) == (2, 1)
    assert report.events == 12
    assert await wrong(hub), "the parts of one who has nothing new are as they were"


async def test_a_projector_goes_on_after_it(hub: Running) -> None:
    await forget_parts(hub, CLEO)
    await rebuilt(hub, Selection(customer=CLEO))
    await hub.happen(said("cleo", 100))
    assert (await hub.body("email:cleo@example.com"))["counts"]["messages"] == 6
    assert await wrong(hub) == []


async def test_followers_are_told(hub: Running) -> None:
    await forget_parts(hub, CLEO)
    await hub.relay.step()
    await rebuilt(hub, Selection(customer=CLEO))
    async with hub.store.reading() as tx:
        rows = await tx.fetch("SELECT body FROM outbox")
    assert [bytes(row[0]) for row in rows] == [CLEO]


@pytest.mark.parametrize(
    ("selection", "reason"),
    [
        (Selection(tenant="nobody"), "unknown-tenant"),
        (Selection(since=START + SECOND), "bad-from"),
        (Selection(customer=CLEO, since=START - SECOND), "bad-selection"),
    ],
)
def test_what_cannot_be_right_is_refused(selection: Selection, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        checked(selection, {"acme": (ACME, WINDOW)}, START)


async def test_an_unknown_customer_is_refused(hub: Running) -> None:
    nobody = ACME.profile("email", "", "nobody@example.com")
    with pytest.raises(Refused, match="unknown-customer"):
        await rebuilt(hub, Selection(customer=nobody))


async def words_of(hub: Running) -> list[list[object]]:
    async with hub.store.reading() as tx:
        return [
            [tuple(row) for row in await tx.fetch(f"SELECT * FROM {table} ORDER BY {order}")]
            for table, order in (
                ("said", "key"),
                ("said_words", "word, effective, key"),
                ("listed_customers", "customer"),
            )
        ]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM said_words",
        "DELETE FROM said",
        "UPDATE said SET words = key",
        "DELETE FROM listed_customers",
    ],
)
async def test_the_words_of_messages_are_made_anew(hub: Running, statement: str) -> None:
    await hub.listed()
    before = await words_of(hub)
    assert all(before)
    await damage(hub, statement)
    await rebuilt(hub, Selection(customer=CLEO), review=True)
    await hub.listed()
    assert await words_of(hub) != before
    for customer in (ANA, CLEO, DORA, CALL):
        await rebuilt(hub, Selection(customer=customer))
    await hub.listed()
    assert await words_of(hub) == before
