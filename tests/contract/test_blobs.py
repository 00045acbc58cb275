"""The contract of the blob store, and what each implementation adds to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path

import asyncpg
import pytest

from cx_events.blob import Blobs, blob_name
from cx_events.blob.folder import FolderBlobs
from cx_events.blob.open import open_blobs
from cx_events.blob.postgres import PostgresBlobs
from cx_events.errors import Fatal, TryLater
from cx_events.testing.blob_contract import BlobContract, Tamper


class TestFolderBlobs(BlobContract):
    @pytest.fixture
    def make_blobs(self, tmp_path: Path) -> Callable[[], Blobs]:
        return lambda: FolderBlobs(tmp_path / "blobs")

    @pytest.fixture
    def tamper(self, tmp_path: Path) -> Tamper:
        async def tamper(tenant: str, name: str, content: bytes) -> None:
            folder = sha256(tenant.encode()).hexdigest()[:32]
            (tmp_path / "blobs" / folder / name[7:9] / name[7:]).write_bytes(content)

        return tamper

    async def test_no_path_shows_the_tenant_or_leaves_the_folder(self, tmp_path: Path, blobs: Blobs) -> None:
        await blobs.put("acme", b"one")
        await blobs.put("../../outside", b"two")
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert {path.name for path in files} == {blob_name(c).removeprefix("sha256:") for c in (b"one", b"two")}
        assert all(path.is_relative_to(tmp_path / "blobs") for path in files)
        assert not [path for path in files if "acme" in str(path.relative_to(tmp_path))]

    async def test_an_unwritable_folder_is_try_later(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        blobs = FolderBlobs(tmp_path / "file" / "blobs")
        with pytest.raises(TryLater, match="can't be made"):
            await blobs.start()
        with pytest.raises(TryLater):
            await blobs.put("acme", b"content")


@pytest.mark.postgres
class TestPostgresBlobs(BlobContract):
    @pytest.fixture
    async def make_blobs(self, postgres_database: str) -> AsyncIterator[Callable[[], Blobs]]:
        made: list[PostgresBlobs] = []

        def make() -> Blobs:
            made.append(PostgresBlobs(postgres_database))
            return made[-1]

        yield make
        for blobs in made:
            await blobs.stop()

    @pytest.fixture
    def tamper(self, postgres_database: str) -> Tamper:
        async def tamper(tenant: str, name: str, content: bytes) -> None:
            connection = await asyncpg.connect(postgres_database.replace("+asyncpg", ""))
            await connection.execute(
                "UPDATE cx_blobs SET content = $1 WHERE tenant = $2 AND digest = $3",
                content,
                tenant,
                bytes.fromhex(name.removeprefix("sha256:")),
            )
            await connection.close()

        return tamper

    async def test_a_missing_database_is_fatal(self, postgres_database: str) -> None:
        with pytest.raises(Fatal, match="does not exist"):
            await PostgresBlobs(postgres_database + "_not").start()


async def test_an_absent_server_is_try_later() -> None:
    with pytest.raises(TryLater, match="PostgreSQL"):
        await PostgresBlobs("postgresql+asyncpg://cx@127.0.0.1:1/cx").start()


def test_an_address_names_the_store() -> None:
    folder = open_blobs("file:///var/blobs")
    assert isinstance(folder, FolderBlobs)
    assert folder.folder == Path("/var/blobs")
    assert isinstance(open_blobs("postgresql+asyncpg://cx@host/cx"), PostgresBlobs)


@pytest.mark.parametrize("url", ["", "blobs", "file://blobs", "postgresql://cx:secret@host/cx"])
def test_an_unknown_store_address_is_fatal_without_showing_secrets(url: str) -> None:
    with pytest.raises(Fatal, match="file:///FOLDER or postgresql") as fatal:
        open_blobs(url)
    assert "secret" not in str(fatal.value)
