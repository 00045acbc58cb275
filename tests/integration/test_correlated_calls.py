"""Calls of two connections that a tenant correlates by fields become one contact, through the real intake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.projection import RULES, WINDOW

from cx_channels.intake import Intake
from cx_channels.provider import Mapped, Request
from cx_channels.registry import providers
from cx_context.reference_definition import define_bodies
from cx_events.blob.folder import FolderBlobs
from cx_events.codec import decode
from cx_events.envelope import Data, Draft, Identifier, Participant
from cx_events.facts import Fact
from cx_events.ids import IdSpace
from cx_events.log import INTERACTIONS, Partition
from cx_events.log.sqlite import SqliteLog
from cx_events.testing.builders import SECOND, START
from cx_runtime.metrics import Metrics
from cx_runtime.tenants import TenantConfig, Tenants

pytestmark = pytest.mark.clock

KEY = "an example key of a tenant"
CONFIG = TenantConfig.model_validate(
    {
        "id_key": KEY,
        "connections": {"acme-voice": {"provider": "voice/twilio"}, "acme-calls": {"provider": "voice/freeswitch"}},
        "correlations": {"trunk": {"within": "1m", "fields": {"acme-voice": "$.raw.id", "acme-calls": "$.raw.sip.id"}}},
    }
)


def started(interaction: str, second: int, raw: Any) -> Draft:
    caller = Participant(role="customer", identifiers=[Identifier(kind="phone", value="+15550100123")])
    data = Data(
        channel="voice", interaction=interaction, direction="inbound", participants=[caller],
        raw=msgspec.Raw(msgspec.json.encode(raw)),
    )  # fmt: skip
    return Draft(type="cx.interaction.started.v1", id=interaction, data=data, time=START + second * SECOND)


async def test_equal_fields_of_two_connections_are_one_contact(tmp_path: Path) -> None:
    log, blobs = SqliteLog(tmp_path / "log.db", 1), FolderBlobs(tmp_path / "blobs")
    await log.start()
    await blobs.start()
    try:
        intake = Intake(log, blobs, Tenants({"acme": CONFIG}), providers(), Metrics())
        for connection, draft in (
            ("acme-voice", started("acme-voice/CA1", 0, {"id": "abc"})),
            ("acme-calls", started("acme-calls/u-1", 3, {"sip": {"id": "abc"}})),
            ("acme-calls", started("acme-calls/u-2", 9, {"sip": {"id": "abd"}})),
        ):
            whose, _ = intake.connection(connection)
            assert await intake.publish_mapped(Mapped(drafts=(draft,)), [], Request(b""), whose) == []
        reader = log.reader()
        reader.assign({Partition(INTERACTIONS, 0): 0})
        records = await reader.read(10, wait=0.0)
        await reader.close()
    finally:
        await blobs.stop()
        await log.stop()
    ids = IdSpace("acme", KEY.encode())
    facts = [Fact(decode(record.value), record.value, ids) for record in records]
    (body,) = define_bodies(facts, ids, RULES, WINDOW).values()
    assert (body["counts"]["events"], body["counts"]["interactions"]) == (3, 2)
