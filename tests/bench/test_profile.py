"""A profile on a real Kafka and PostgreSQL tells of every statement, and where the application was."""

from __future__ import annotations

import pytest
from tests.bench.dense_workload import make_dense_workload
from tests.bench.profile_dense import profiled

from cx_runtime.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


async def test_a_profile_tells_statements_and_functions(kafka_url: str, postgres_url: str) -> None:
    workload = make_dense_workload(1_000)
    result, profile = await profiled(Settings(log_url=kafka_url, store_url=postgres_url), workload, 2)
    assert result.events == profile.applied == 1_000
    assert profile.batches > 0
    begun = sum(each.calls for text, each in profile.statements.items() if text.startswith("BEGIN"))
    assert begun >= profile.statements["COMMIT;"].calls >= profile.batches
    assert any(text.startswith("COPY ") for text in profile.statements)
    assert any(text.startswith("SELECT ") for text in profile.statements)
    assert all(each.calls > 0 and each.wall > 0 for each in profile.statements.values())
    functions = {name for stack, _ in profile.stacks for name in stack}
    assert any("consumer.py:Consumer." in name for name in functions)
