"""What the embedded parts write is its owner's alone, whatever the umask and whoever made the folder before."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cx_events.private_files import make_folder, tighten
from cx_hub.compose import running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_hub.home_folder import close_home
from cx_runtime.tenants import load

pytestmark = pytest.mark.clock

FILES = {"key", "id-key-acme", "connection-secret", "metrics-key", "log.db", "log.db-wal", "log.db-shm", "store.db"}


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    """Permission bits by path below a folder, itself as ``.``."""
    paths = [folder, *folder.rglob("*")]
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in paths}


def is_closed(folder: Path) -> None:
    for path, mode in modes(folder).items():
        assert mode == (0o700 if (folder / path).is_dir() else 0o600), f"{path} has the mode {mode:o}"


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
async def test_files_are_0600_and_folders_0700_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    home = tmp_path / "of" / "the" / "hub"
    with umask(mask):
        async with running_hub(embedded_settings(home), load(None, home, {})) as hub:
            await until_ready(hub.url)
            await hub.blobs.put("acme", b"x" * 1000)
            assert set(modes(home)) >= FILES
            assert any(path.startswith("blobs/") for path in modes(home))
            is_closed(home)
    is_closed(tmp_path / "of")


async def test_files_open_to_others_are_made_private_at_start(tmp_path: Path) -> None:
    settings = embedded_settings(tmp_path / "home")
    with umask(0):
        for _ in range(2):
            async with running_hub(settings, load(None, settings.home, {})) as hub:
                await until_ready(hub.url)
                await hub.blobs.put("acme", b"x" * 1000)
                is_closed(settings.home)
            for path in [settings.home, *settings.home.rglob("*")]:
                path.chmod(0o777 if path.is_dir() else 0o666)


def test_a_folder_that_others_share_keeps_its_mode(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    tighten(shared)
    make_folder(shared / "ours")
    assert stat.S_IMODE(shared.stat().st_mode) == 0o1777
    assert stat.S_IMODE((shared / "ours").stat().st_mode) == 0o700


def test_a_home_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    close_home(tmp_path / "home")
    assert not (tmp_path / "home").exists()
