"""Verification works in a folder of its own, and deletes nobody else's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from cx_events.errors import Refused
from cx_projectors.verify.work_folder import opened


@pytest.mark.parametrize("marker", [None, b"somebody's own file"])
def test_a_folder_with_other_files_is_refused_untouched(tmp_path: Path, marker: bytes | None) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / "more").mkdir()
    if marker is not None:
        (tmp_path / "origin").write_bytes(marker)
    before = sorted(each.name for each in tmp_path.iterdir())
    with pytest.raises(Refused, match="not-a-work-folder"), opened(tmp_path, resume=False, origin=b"x"):
        pass
    assert sorted(each.name for each in tmp_path.iterdir()) == before
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_what_a_broken_off_verification_left_is_replaced(tmp_path: Path) -> None:
    work = tmp_path / "work"
    with pytest.raises(KeyboardInterrupt), opened(work, resume=False, origin=b"x"):
        (work / "half").write_text("done")
        raise KeyboardInterrupt
    assert (work / "half").exists()
    with opened(work, resume=False, origin=b"y"):
        assert not (work / "half").exists()
    assert not work.exists()
