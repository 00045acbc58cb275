"""Hold a blob store to its contract. Subclass ``BlobContract`` and provide the fixtures that it names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from cx_events.blob import Blobs, blob_name
from cx_events.errors import Refused

MakeBlobs = Callable[[], Blobs]
Tamper = Callable[[str, str, bytes], Awaitable[None]]
"""(tenant, name, other content): overwrite what is stored, behind the store's back."""


class BlobContract:
    """Fixtures ``make_blobs``, a function that gives a store, not started, on this test's own place; and ``tamper``."""

    @pytest.fixture
    async def blobs(self, make_blobs: MakeBlobs) -> AsyncIterator[Blobs]:
        blobs = make_blobs()
        await blobs.start()
        yield blobs
        await blobs.stop()

    @pytest.mark.parametrize("content", [b"", b"original", bytes(range(256)) * 40_000])
    async def test_a_stored_blob_is_found_by_its_content_hash(self, blobs: Blobs, content: bytes) -> None:
        assert await blobs.put("acme", content) == blob_name(content)
        assert await blobs.get("acme", blob_name(content)) == content

    async def test_storing_a_blob_twice_changes_nothing(self, blobs: Blobs) -> None:
        names = await asyncio.gather(*(blobs.put("acme", b"the same") for _ in range(20)))
        assert set(names) == {blob_name(b"the same")}
        assert await blobs.get("acme", names[0]) == b"the same"

    async def test_a_blob_of_one_tenant_is_not_anothers(self, blobs: Blobs) -> None:
        name = await blobs.put("acme", b"secret")
        assert await blobs.get("example", name) is None
        assert await blobs.get("../acme", name) is None

    async def test_an_unknown_blob_is_none(self, blobs: Blobs) -> None:
        assert await blobs.get("acme", blob_name(b"never put")) is None

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "sha256:",
            "sha256:../../etc/passwd",
            "md5:" + "0" * 64,
            "sha256:" + "A" * 64,
            "sha256:" + "0" * 64 + "\n",
        ],
    )
    async def test_an_invalid_blob_name_is_refused(self, blobs: Blobs, name: str) -> None:
        with pytest.raises(Refused, match="bad-blob-name"):
            await blobs.get("acme", name)

    async def test_a_changed_blob_is_refused_until_stored_again(self, blobs: Blobs, tamper: Tamper) -> None:
        name = await blobs.put("acme", b"as it was")
        await tamper("acme", name, b"as it wasn't")
        with pytest.raises(Refused, match="damaged-blob"):
            await blobs.get("acme", name)
        await blobs.put("acme", b"as it was")
        assert await blobs.get("acme", name) == b"as it was"

    async def test_blobs_outlive_the_store_object(self, blobs: Blobs, make_blobs: MakeBlobs) -> None:
        name = await blobs.put("acme", b"kept")
        await blobs.stop()
        again = make_blobs()
        await again.start()
        assert await again.get("acme", name) == b"kept"
        await again.stop()

    async def test_stores_that_start_at_once_all_work(self, make_blobs: MakeBlobs) -> None:
        stores = [make_blobs() for _ in range(6)]
        await asyncio.gather(*(store.start() for store in stores))
        names = await asyncio.gather(*(store.put("acme", b"%d" % n) for n, store in enumerate(stores)))
        assert [await stores[0].get("acme", name) for name in names] == [b"%d" % n for n in range(6)]
        await asyncio.gather(*(store.stop() for store in stores))
