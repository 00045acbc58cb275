"""A fold that makes other parts has another version."""

from __future__ import annotations

from tests.fold_version import digest, recorded

from cx_context.fold_version import FOLD_VERSION


def test_the_version_tells_the_fold() -> None:
    assert recorded().get(str(FOLD_VERSION)) == digest(), (
        "the fold makes other parts: raise FOLD_VERSION (cx_context/fold_version.py) unless its version is in no "
        "release, then .venv/bin/python -m tests.fold_version"
    )


def test_the_newest_version_is_this_one() -> None:
    assert max(map(int, recorded())) == FOLD_VERSION
