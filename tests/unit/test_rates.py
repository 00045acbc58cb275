"""Test how much a key or a connection may send."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from cx_events.errors import TooFast
from cx_runtime.rates import Bucket, Rate
from cx_runtime.settings import Settings
from cx_runtime.tenant_rates import Rates
from cx_runtime.tenants import ConnectionConfig, KeyConfig, TenantConfig, Tenants


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def bucket(rate: float, burst: float) -> tuple[Bucket, Clock]:
    clock = Clock()
    return Bucket(Rate(rate, burst), "a key", clock), clock


def waits(asked: Bucket, count: int = 1) -> int:
    """Seconds that it says to wait; 0 where it takes."""
    try:
        asked.take(count)
    except TooFast as too_fast:
        return too_fast.retry_after
    return 0


def test_a_burst_passes_and_then_the_rate() -> None:
    asked, clock = bucket(0.5, 2)
    assert [waits(asked), waits(asked), waits(asked)] == [0, 0, 2]
    clock.now += 1.0
    assert waits(asked) == 1
    clock.now += 1.0
    assert waits(asked) == 0
    clock.now += 1000.0
    assert [waits(asked), waits(asked), waits(asked)] == [0, 0, 2]


def test_a_batch_above_the_burst_is_paid_afterwards() -> None:
    asked, clock = bucket(10, 20)
    asked.take(1)
    asked.take_more(99)
    assert waits(asked) == 9  # 80 events in debt, and one to send
    clock.now += 8.0
    assert waits(asked) == 1
    clock.now += 0.1
    assert waits(asked) == 0


def test_only_one_of_simultaneous_batches_goes_into_debt() -> None:
    asked, _ = bucket(10, 20)
    asked.take(1)
    asked.take(1)
    asked.take_more(99)
    with pytest.raises(TooFast) as refused:
        asked.take_more(99)
    assert refused.value.retry_after == 9  # what the second had taken before is given back
    assert refused.value.status == 429


def test_asking_for_the_wait_takes_nothing() -> None:
    asked, _ = bucket(1, 1)
    for _ in range(5):
        asked.ask()
    assert waits(asked) == 0
    with pytest.raises(TooFast):
        asked.ask()


@example(0.01, 1.0, [(0.0, 154), (0.01, 164), (0.0, 1)])
@given(st.floats(0.01, 1000), st.floats(1, 100), st.lists(st.tuples(st.floats(0, 5), st.integers(1, 300)), max_size=50))
def test_waiting_as_told_suffices_and_nobody_exceeds_the_rate(
    rate: float, burst: float, asks: list[tuple[float, int]]
) -> None:
    asked, clock = bucket(rate, burst)
    began, taken = clock.now, 0
    for pause, count in asks:
        clock.now += pause
        wait = waits(asked, count)
        if wait:
            clock.now += wait
            assert waits(asked, count) == 0
        assert taken <= burst + (clock.now - began) * rate + 1e-6  # all but this one, which may make a debt
        taken += count


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("200/s", Rate(200, 400)),
        ("600/m", Rate(10, 20)),
        ("7200/h", Rate(2, 10)),
        ("0.5/s", Rate(0.5, 10)),
        ("unlimited", None),
    ],
)
def test_a_rate_is_a_number_and_a_unit(text: str, rate: Rate | None) -> None:
    assert Rate.parse(text) == rate


@pytest.mark.parametrize("text", ["", "200", "0/s", "-1/s", "1/d", "1e3/s", "200 /s", "nan/s", "９/s x"])
def test_any_other_text_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="is not a rate"):
        Rate.parse(text)


def test_a_configuration_names_its_invalid_rate() -> None:
    with pytest.raises(ValidationError, match="'fast' is not a rate"):
        KeyConfig(id="a", secret="long enough", scopes=frozenset(), rate="fast")
    with pytest.raises(ValidationError, match="'fast' is not a rate"):
        Settings(key_rate="fast")


def test_keys_and_connections_have_their_own_or_default_rate() -> None:
    scopes = frozenset({"events:write"})
    tenants = Tenants(
        {
            "acme": TenantConfig(
                id_key="a lasting key of acme",
                keys=(
                    KeyConfig(id="own", secret="secret of own", scopes=scopes, rate="200/s", burst=300),
                    KeyConfig(id="same", secret="secret of same", scopes=scopes),
                    KeyConfig(id="burst", secret="secret of burst", scopes=scopes, burst=7),
                    KeyConfig(id="free", secret="secret of free", scopes=scopes, rate="unlimited"),
                ),
                connections={"calls": ConnectionConfig(provider="voice/twilio", rate="5/s")},
            ),
            "other": TenantConfig(
                id_key="a lasting key of another", keys=(KeyConfig(id="own", secret="another secret", scopes=scopes),)
            ),
        }
    )
    rates = Rates(tenants, key=Rate(50, 100), connection=None)

    def told(found: Bucket) -> Rate:
        return Rate(found.per_second, found.burst)

    assert told(rates.of_key("acme", "own")) == Rate(200, 300)
    assert told(rates.of_key("acme", "same")) == Rate(50, 100)
    assert told(rates.of_key("acme", "burst")) == Rate(50, 7)
    assert told(rates.of_key("other", "own")) == Rate(50, 100)
    assert told(rates.of_connection("calls")) == Rate(5, 10)
    free = rates.of_key("acme", "free")
    for _ in range(1000):
        free.take(1000)
        free.take_more(1000)
        free.ask()
