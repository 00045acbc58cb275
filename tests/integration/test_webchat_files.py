"""Files that visitors of a web chat send, and what a stranger at that door can do: no more than anybody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.asking import PatientClient
from tests.browsers import browser, chat
from tests.channels import Hub, running_hub
from tests.described import HELD
from tests.patience import PATIENCE

from cx_channels.chat.webchat.server.limits import ChatLimits
from cx_runtime.rates import Rate

pytestmark = pytest.mark.clock

PICTURE = b"\x89PNG\r\n\x1a\n some of a picture"


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as running:
        yield running


async def put(
    hub: Hub, session: str, content: Any = PICTURE, id: str = "f-1", connection: str = "acme-chat", **headers: str
) -> httpx2.Response:
    given = {"content-type": "image/png", "x-file-name": "picture.png"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    if session:
        given["authorization"] = f"Bearer {session}"
    async with PatientClient(event_hooks=HELD, base_url=hub.url, timeout=PATIENCE, trust_env=False) as client:
        client.is_patient = not hub.log.broken
        return await client.put(f"/v1/chat/{connection}/files/{id}", content=content, headers=given)


async def session_of(hub: Hub, **hello: Any) -> tuple[str, str]:
    """A new chat's session and interaction."""
    async with chat(hub, **hello) as (_, welcome):
        return welcome["session"], welcome["interaction"]


async def messages(hub: Hub) -> list[dict[str, Any]]:
    return [one for one in await hub.events() if one["type"] == "cx.message.received.v1"]


async def test_a_file_is_a_message_with_a_stored_blob(hub: Hub) -> None:
    session, interaction = await session_of(hub, visitor={"cookie": "c-7", "email": "ana@example.com"})
    response = await put(hub, session, x_file_name="my%20bill%20%E2%82%AC.png")
    assert response.status_code == 201
    digest = sha256(PICTURE).hexdigest()
    file = {"name": "my bill €.png", "content_type": "image/png", "bytes": len(PICTURE), "sha256": digest}
    assert response.json() == file
    (event,) = await messages(hub)
    assert event["data"]["interaction"] == interaction
    assert event["data"]["message"]["attachments"] == [{**file, "blob": f"sha256:{digest}"}]
    assert event["data"]["message"]["id"] == "f-1"
    named = {each["kind"]: each["weight"] for each in event["data"]["participants"][0]["identifiers"]}
    assert named == {"cookie": "claimed", "email": "claimed"}
    assert await hub.blobs.get("acme", f"sha256:{digest}") == PICTURE
    assert "cx.interaction.started.v1" in {one["type"] for one in await hub.events()}


async def test_a_chat_that_begins_with_a_file_ends_normally(hub: Hub) -> None:
    async with chat(hub) as (page, welcome):
        assert (await put(hub, welcome["session"])).status_code == 201
        await page.say(type="end")
        await page.hear("ended")
    types = [one["type"] for one in sorted(await hub.events(), key=lambda one: one["recordedtime"])]
    assert types == ["cx.interaction.started.v1", "cx.message.received.v1", "cx.interaction.ended.v1"]


async def test_only_an_unchanged_resent_file_is_the_same_message(hub: Hub) -> None:
    session, _ = await session_of(hub)
    for content in (PICTURE, PICTURE, PICTURE + b"!"):
        assert (await put(hub, session, content)).status_code == 201
    ids = [one["id"] for one in await messages(hub)]
    assert (len(ids), len(set(ids))) == (3, 2)


async def test_the_socket_says_which_files_are_taken(hub: Hub) -> None:
    async with chat(hub) as (_, welcome):
        assert welcome["files"]["max_bytes"] == 10 << 20
        assert "image/png" in welcome["files"]["types"]
        assert not {"text/html", "image/svg+xml"} & set(welcome["files"]["types"])


# --- whose it is -----------------------------------------------------------------------------------------------------


async def test_a_file_needs_the_senders_own_session(hub: Hub) -> None:
    session, interaction = await session_of(hub)
    payload, _, signature = session.partition(".")
    for token in ("", interaction, payload, f"{payload}.{'A' * len(signature)}", "writer-key"):
        response = await put(hub, token)
        assert response.status_code == 401, token
    assert (await put(hub, session, connection="acme-shop")).status_code == 403, "no page of that shop's"
    shop = await put(hub, session, connection="acme-shop", origin="https://shop.acme.example")
    assert (shop.status_code, shop.json()["reason"]) == (401, "bad-session")
    assert (await put(hub, session, connection="acme-calls")).status_code == 404
    assert await hub.events() == []
    assert not [path for path in hub.blobs.folder.rglob("*") if path.is_file()]


async def test_a_page_of_another_origin_may_upload_a_file(hub: Hub) -> None:
    session, _ = await session_of(hub)
    async with httpx2.AsyncClient(event_hooks=HELD, base_url=hub.url, timeout=PATIENCE, trust_env=False) as client:
        asked = await client.options("/v1/chat/acme-chat/files/f-1", headers={"origin": "https://www.acme.example"})
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-methods"] == "PUT"
    refused = await put(hub, "no session", origin="https://www.acme.example")
    taken = await put(hub, session, origin="https://www.acme.example")
    assert {each.headers["access-control-allow-origin"] for each in (asked, refused, taken)} == {"*"}
    assert "access-control-allow-credentials" not in taken.headers


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type", ["text/html", "image/svg+xml", "application/x-msdownload", "", "image/png, text/html"])
async def test_an_excluded_file_type_is_refused(hub: Hub, type: str) -> None:
    session, _ = await session_of(hub)
    response = await put(hub, session, content_type=type)
    assert (response.status_code, response.json()["reason"]) == (415, "unsupported-type")


async def test_a_file_above_the_limit_is_refused_however_declared(hub: Hub) -> None:
    session, _ = await session_of(hub)

    async def in_pieces() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield bytes(1 << 20)

    declared = await put(hub, session, bytes((10 << 20) + 1))
    assert (declared.status_code, declared.json()["reason"]) == (413, "too-large")
    try:
        streamed = await put(hub, session, in_pieces())
        assert streamed.status_code == 413
    except httpx2.HTTPError:
        pass  # the hub closed the connection while more was sent
    assert await messages(hub) == []
    assert hub.load.bytes == 0
    assert not [path for path in hub.blobs.folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("content", "id", "reason"), [(b"", "f-1", "empty-file"), (PICTURE, "x.y", "bad-id"), (PICTURE, "x" * 65, "bad-id")]
)
async def test_an_empty_file_and_an_odd_id_are_refused(hub: Hub, content: bytes, id: str, reason: str) -> None:
    session, _ = await session_of(hub)
    response = await put(hub, session, content, id)
    assert (response.status_code, response.json()["reason"]) == (400, reason)


async def test_a_file_that_may_be_lost_is_not_acknowledged(hub: Hub) -> None:
    session, _ = await session_of(hub)
    hub.log.broken = True
    response = await put(hub, session)
    assert (response.status_code, response.json()["reason"]) == (503, "try-later")
    assert response.headers["retry-after"]
    hub.log.broken = False
    assert (await put(hub, session)).status_code == 201
    assert len(await messages(hub)) == 1


@pytest.fixture
def settings(hub: Hub) -> Iterator[dict[str, Any]]:
    given = hub.intake.connection("acme-chat")[0].settings
    assert isinstance(given, dict)
    yield given


async def test_a_connection_says_which_files_it_takes(hub: Hub, settings: dict[str, Any]) -> None:
    settings["files"] = {"max_bytes": 10, "types": ["text/x-log"]}
    async with chat(hub) as (_, welcome):
        assert welcome["files"] == {"max_bytes": 10, "types": ["text/x-log"]}
    session, _ = await session_of(hub)
    assert (await put(hub, session, b"ten bytes.", content_type="text/x-log")).status_code == 201
    assert (await put(hub, session, b"eleven byte", content_type="text/x-log")).status_code == 413
    assert (await put(hub, session)).status_code == 415
    settings["files"] = False
    async with chat(hub) as (_, welcome):
        assert "files" not in welcome
    assert (await put(hub, session)).json()["reason"] == "no-files"


# --- bounds ----------------------------------------------------------------------------------------------------------


async def test_one_visitor_sending_many_files_leaves_room_for_others(tmp_path: Path) -> None:
    limits = ChatLimits(files_of_visitor=Rate(0.001, 3))
    async with running_hub(tmp_path, chat_limits=limits) as hub:
        greedy, _ = await session_of(hub)
        answers = [await put(hub, greedy, id=f"{n}") for n in range(5)]
        assert [each.status_code for each in answers] == [201, 201, 201, 429, 429]
        assert answers[-1].json()["reason"] == "files-too-fast"
        assert int(answers[-1].headers["retry-after"]) > 0
        other, _ = await session_of(hub)
        assert (await put(hub, other)).status_code == 201


async def test_new_chats_are_bounded_per_address(tmp_path: Path) -> None:
    limits = ChatLimits(files_of_address=Rate(0.001, 3))
    async with running_hub(tmp_path, chat_limits=limits) as hub:
        sessions = [(await session_of(hub))[0] for _ in range(5)]
        assert [(await put(hub, each)).status_code for each in sessions] == [201, 201, 201, 429, 429]


async def test_slow_uploads_take_only_a_share_in_flight(tmp_path: Path) -> None:
    async with running_hub(tmp_path, chat_limits=ChatLimits(files=100)) as hub:
        session, _ = await session_of(hub)
        gate = asyncio.Event()
        begun = 0

        async def slowly() -> AsyncIterator[bytes]:
            nonlocal begun
            begun += 1
            yield PICTURE
            await gate.wait()
            yield b"the rest"

        dripping = asyncio.create_task(put(hub, session, slowly(), "slow"))
        async with asyncio.timeout(PATIENCE):
            while not hub.load.bytes:
                await asyncio.sleep(0.02)
        refused = await put(hub, session, id="second")
        assert (refused.status_code, refused.json()["reason"]) == (429, "files-of-customer")
        gate.set()
        assert (await dripping).status_code == 201
        assert begun == 1
        assert (await put(hub, session, id="third")).status_code == 201
        assert hub.load.bytes == 0


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("C%3A%5Ctemp%5Cbill.pdf", "bill.pdf"),
        ("%E2%80%AEfdp.exe", "fdp.exe"),
        ("a%00b%0D%0Ac.png", "abc.png"),
        ("%FF%FE", "\ufffd\ufffd"),
        ("x" * 3000, "x" * 255),
        ("", "file"),
        ("%20.%20", "file"),
    ],
)
async def test_a_files_name_holds_no_path_and_nothing_unseen(hub: Hub, given: str, kept: str) -> None:
    session, _ = await session_of(hub)
    assert (await put(hub, session, x_file_name=given)).json()["name"] == kept


async def test_the_limits_of_a_chats_words_hold_beside_files(hub: Hub) -> None:
    session, _ = await session_of(hub)
    assert (await put(hub, session)).status_code == 201
    async with browser(hub) as page:
        await page.say(type="hello", session=session)
        assert (await page.hear("welcome"))["resumed"] is True
        await page.say(type="message", id="1", text="")
        assert (await page.hear("error"))["reason"] == "bad-message"
