"""Plants faults in each provider and sees the contract fail: a check that nothing can fail checks nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.contract import signature_checks
from tests.contract.provider_faults import CHECKS, faulty_variants, rebuilt_check

from cx_channels.provider import Provider
from cx_channels.registry import providers


def faulty() -> Iterator[Any]:
    for name, provider in providers().items():
        for fault, other, check in faulty_variants(provider):
            yield pytest.param(other, CHECKS[check], id=f"{name}: {fault}")


@pytest.mark.parametrize(("provider", "check"), list(faulty()))
def test_the_contract_catches_a_planted_fault(provider: Provider, check: Callable[[Provider], None]) -> None:
    with pytest.raises(AssertionError):
        check(provider)


@pytest.mark.parametrize("provider", [pytest.param(p, id=name) for name, p in providers().items() if p.verify])
def test_a_check_rebuilt_without_a_fault_passes(provider: Provider) -> None:
    """The faults are planted in this one: what is caught is the fault, not how it is built."""
    for check in signature_checks.CHECKS.values():
        check(rebuilt_check(provider))
