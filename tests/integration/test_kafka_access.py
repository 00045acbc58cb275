"""A Kafka that is not open to everybody: TLS, names and passwords, clients' certificates."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from tests.patience import PATIENCE
from tests.secured import PASSWORD, USER, Secured, secured_kafka

from cx_events.errors import Fatal, TryLater
from cx_events.log.kafka_access import read_address
from cx_events.log.open import open_log
from cx_events.testing.log_helpers import from_start, record, take

pytestmark = pytest.mark.clock


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with secured_kafka(tmp_path_factory.mktemp("secured")) as made:
        yield made


def named(broker: Secured, password: str = PASSWORD) -> str:
    return f"kafka://{USER}:{quote(password, safe='')}@{broker.by_name}?ca={broker.ca}"


async def goes_through(url: str, prefix: str) -> None:
    log = open_log(url, partitions=1, prefix=prefix)
    await log.start()
    try:
        await log.append([record("k", "said in confidence")])
        reader = await from_start(log)
        assert [found.value for found in await take(reader, 1)] == [b"said in confidence"]
        await reader.close()
    finally:
        await log.stop()


@pytest.mark.usefixtures("patient_kafka")
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"])
async def test_the_log_gives_its_name_and_password_over_tls(broker: Secured, mechanism: str) -> None:
    await goes_through(f"{named(broker)}&mechanism={mechanism}", f"{mechanism.lower()}.")


@pytest.mark.usefixtures("patient_kafka")
async def test_the_log_shows_its_certificate(broker: Secured) -> None:
    url = f"kafka://{broker.by_certificate}?ca={broker.ca}&cert={broker.cert}&key={broker.key}"
    await goes_through(url, "certified.")


async def refusal_of(url: str, said: str, caplog: pytest.LogCaptureFixture) -> TryLater:
    """Return what an append raises once the client has told why; on a loaded machine an append may end before that."""
    log = open_log(url, partitions=1)
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                with pytest.raises(TryLater) as refused:
                    await log.append([record("k", "v")])
                if said in caplog.text:
                    return refused.value
    finally:
        await log.stop()


async def test_a_wrong_password_is_reported_without_showing_it(
    broker: Secured, caplog: pytest.LogCaptureFixture
) -> None:
    refused = await refusal_of(named(broker, "hunter2"), "Authentication failed", caplog)
    assert broker.by_name in refused.detail
    assert "hunter2" not in refused.detail + caplog.text


async def test_a_broker_with_an_untrusted_certificate_is_not_used(
    broker: Secured, caplog: pytest.LogCaptureFixture
) -> None:
    await refusal_of(f"kafka://{USER}:secret@{broker.by_name}", "certificate verify failed", caplog)


def test_a_name_goes_over_tls_unless_one_insists() -> None:
    found = read_address("hub:s%2Fecret@one:9093,two:9093")
    assert found is not None
    servers, access = found
    assert servers == "one:9093,two:9093"
    assert (access.user, access.password, access.mechanism) == ("hub", "s/ecret", "SCRAM-SHA-512")
    assert access.settings()["security_protocol"] == "SASL_SSL"
    assert "s/ecret" not in repr(access)
    in_clear = read_address("hub:secret@one:9092?tls=off&mechanism=PLAIN")
    assert in_clear is not None
    assert in_clear[1].settings()["security_protocol"] == "SASL_PLAINTEXT"


def test_without_options_brokers_are_reached_in_clear() -> None:
    found = read_address("one:9092,[::1]:9093")
    assert found is not None
    assert found[1].settings() == {}
    over_tls = read_address("one:9092?tls=on")
    assert over_tls is not None
    assert over_tls[1].settings()["security_protocol"] == "SSL"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("kafka://one:9092?tsl=on", "unknown option 'tsl'"),
        ("kafka://one:9092?tls=yes", "expected on or off"),
        ("kafka://one:9092?tls=off&ca=/ca.pem", "ca needs TLS"),
        ("kafka://one:9092?ca=/nowhere/ca.pem", "can't be read"),
        ("kafka://one:9092?cert=/hub.pem", "give both cert and key"),
        ("kafka://one:9092?mechanism=PLAIN", "put USER:PASSWORD@"),
        ("kafka://hub@one:9092", "expected USER:PASSWORD"),
        ("kafka://:secret@one:9092", "expected USER:PASSWORD"),
        ("kafka://hub:secret@one:9092?mechanism=GSSAPI", "not one of SCRAM-SHA-512"),
        ("kafka://hub:secret@one", "use sqlite"),
    ],
)
def test_an_unusable_address_is_fatal_without_showing_its_secret(url: str, why: str) -> None:
    with pytest.raises(Fatal, match=why) as refused:
        open_log(url)
    assert "secret" not in str(refused.value)
