"""The measure of mapping runs and reports in the documented shape. How fast is not asked."""

from __future__ import annotations

from tests.bench.pure_mapping import measure


def test_mapping_is_measured_by_provider() -> None:
    found = measure(["social/line", "voice/siprec"], rounds=1, repeats=1)
    assert list(found) == ["social/line"], "siprec sends XML"
    line = found["social/line"]
    assert line.requests > 10
    assert line.map_us > 0 < line.decode_us
    assert 0 < line.ratio <= line.request_ratio
