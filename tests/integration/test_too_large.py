"""A client whose body is too large sees the answer, whatever it is and however it sends: the rest is read before the
connection closes."""

from __future__ import annotations

import asyncio
import shutil
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.asking import PatientClient
from tests.channels import WRITER, Hub, running_hub
from tests.patience import PATIENCE

pytestmark = pytest.mark.clock

BYTES = 24 << 20
"""More than the system takes of it without the server."""

HEADERS = {"Authorization": f"Bearer {WRITER}", "Content-Type": "application/cloudevents+json"}
CONNECT = {**HEADERS, "Connection": "close"}
DOORS = {"/v1/events": "POST", "/v1/hooks/acme-calls": "POST", "/v1/chat/acme-chat/files/f1": "PUT"}
REFUSED = (401, 413)
"""The chat's upload asks first whose it is."""

Client = Callable[[str, str, Path], Awaitable[int]]


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as running:
        yield running


@pytest.fixture
def blanks(tmp_path: Path) -> Path:
    file = tmp_path / "blanks"
    file.write_bytes(b" " * BYTES)
    return file


async def by_urllib(method: str, url: str, blanks: Path) -> int:
    def ask() -> int:
        request = urllib.request.Request(url, blanks.read_bytes(), HEADERS, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            assert b"reason" in error.read()
            return error.code

    return await asyncio.to_thread(ask)


async def by_chunks_on_a_last_connection(method: str, url: str, blanks: Path) -> int:
    def pieces() -> Iterator[bytes]:
        with blanks.open("rb") as file:
            while piece := file.read(1 << 16):
                yield piece

    def ask() -> int:
        place = urlsplit(url)
        connection = HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE)
        connection.request(method, place.path, pieces(), CONNECT, encode_chunked=True)
        answer = connection.getresponse()
        assert b"reason" in answer.read()
        return answer.status

    return await asyncio.to_thread(ask)


async def by_httpx(method: str, url: str, blanks: Path) -> int:
    async with PatientClient(timeout=PATIENCE, trust_env=False) as client:
        return (await client.request(method, url, content=blanks.read_bytes(), headers=HEADERS)).status_code


async def by_curl(method: str, url: str, blanks: Path) -> int:
    return await _status_of("curl", *_CURL, "-X", method, "--data-binary", f"@{blanks}", url)


async def by_curl_without_asking(method: str, url: str, blanks: Path) -> int:
    more = ("-H", "Expect:", "-H", "Connection: close", "-H", "Transfer-Encoding: chunked")
    return await _status_of("curl", *_CURL, *more, "-X", method, "--data-binary", f"@{blanks}", url)


async def by_node(method: str, url: str, blanks: Path) -> int:
    script = (
        "fetch(process.argv[2], {method: process.argv[1], body: require('fs').readFileSync(process.argv[3]),"
        f" headers: {HEADERS!r}}}).then(answer => console.log(answer.status))"
    )
    return await _status_of("node", "-e", script, method, url, str(blanks))


_CURL = ("-sS", "-o", "/dev/null", "-w", "%{http_code}", *(f"-H{name}: {value}" for name, value in HEADERS.items()))


async def _status_of(*command: str) -> int:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    said, wrong = await process.communicate()
    assert process.returncode == 0, wrong.decode()
    return int(said)


CLIENTS: list[Client] = [by_urllib, by_chunks_on_a_last_connection, by_httpx]
CLIENTS += [by_curl, by_curl_without_asking] if shutil.which("curl") else []
CLIENTS += [by_node] if shutil.which("node") else []


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)
async def test_a_body_that_is_too_large_is_answered(hub: Hub, blanks: Path, client: Client, door: str) -> None:
    assert await client(DOORS[door], hub.url + door, blanks) in REFUSED
