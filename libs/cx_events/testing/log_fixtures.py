"""Provide the fixtures of the log's contract suites."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cx_events.log import (
    Log,
)
from cx_events.testing.log_helpers import (
    MakeLog,
)


class LogFixtures:
    """Fixture ``make_log``: a function of ``partitions`` that returns a log, not started, on this test's own place.

    Called twice it returns two logs on one place.
    """

    @pytest.fixture
    async def log(self, make_log: MakeLog) -> AsyncIterator[Log]:
        log = make_log(partitions=4)
        await log.start()
        yield log
        await log.stop()

    @pytest.fixture
    async def other(self, log: Log, make_log: MakeLog) -> AsyncIterator[Log]:
        other = make_log(partitions=4)
        await other.start()
        yield other
        await other.stop()
