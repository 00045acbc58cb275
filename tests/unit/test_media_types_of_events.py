"""The words about the media types of ``POST /v1/events``, in OpenAPI and in the guide, name what the code takes."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.types import Message

from cx_channels.openapi import EVENTS, description
from cx_events.catalogue import catalogue
from cx_events.client_data import decode_base64_data, read_data
from cx_events.errors import Refused
from cx_events.http_binding import MEDIA_TYPES, read
from cx_events.strict_json import Limits
from cx_runtime.http import CODINGS, BodyLimits, read_body

GUIDE = (Path(__file__).parents[2] / "docs" / "integrating.md").read_text("utf-8").partition("\n## Send events\n")[2]
MODES, _, REFUSALS = GUIDE.partition("| sent | answer |")
MODES = MODES.partition("All modes of the CloudEvents SDKs are taken:")[2]
ANSWERS = [row.split("|")[2] for row in REFUSALS.partition("\n\n")[0].splitlines() if row.startswith("|")]
LIMITS = Limits(max_bytes=1 << 20)

EVENT: dict[str, Any] = {
    "specversion": "1.0", "id": "m-1", "source": "//acme.example/chat", "type": "cx.message.received.v1",
}  # fmt: skip
CE = {f"ce-{name}": value for name, value in EVENT.items()}
ONE = json.dumps(EVENT).encode()
SEVERAL = b"[" + ONE + b"]"

_MEDIA_TYPE = re.compile(r"`(\w+/[\w.+-]+)`")
OTHERS = (
    "",
    "text/plain",
    "text/json",
    "application/xml",
    "application/octet-stream",
    "application/x-ndjson",
    "application/problem+json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "application/cloudevents",
    "application/cloudevents+xml",
    "application/cloudevents+avro",
    "application/cloudevents-batch",
)


def about_body() -> str:
    text = description([]).operations[EVENTS, "post"].described()["requestBody"]["description"]
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize("words", [about_body(), MODES], ids=["openapi", "guide"])
def test_the_words_name_what_is_taken(words: str) -> None:
    assert set(_MEDIA_TYPE.findall(words)) == set(MEDIA_TYPES)
    codings = set(re.findall(r"Content-Encoding: (\w+)`", words)) or set(re.findall(r"`(gzip|deflate|br|zstd)`", words))
    assert codings == set(CODINGS)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
@pytest.mark.parametrize("parameter", ["", "; charset=utf-8", '; charset="UTF-8"'])
def test_what_is_named_is_taken(media_type: str, parameter: str) -> None:
    bodies = [ONE, SEVERAL] if media_type == "application/json" else [SEVERAL if "batch" in media_type else ONE]
    for body in bodies:
        assert read(body, [("content-type", media_type + parameter)], LIMITS) == [EVENT]


@pytest.mark.parametrize("media_type", OTHERS)
def test_what_is_not_named_is_refused(media_type: str) -> None:
    headers = [("content-type", media_type)] if media_type else []
    with pytest.raises(Refused) as refused:
        read(ONE, headers, LIMITS)
    assert (refused.value.status, refused.value.reason) == (415, "unsupported-media-type")
    for named in MEDIA_TYPES[:2]:
        assert named in refused.value.detail


@pytest.mark.parametrize("content_type", [None, "application/json", "application/vnd.acme+json"])
def test_binary_mode_takes_json_of_any_name(content_type: str | None) -> None:
    headers = [*CE.items(), *([("content-type", content_type)] if content_type else [])]
    (event,) = read(b'{"message": {"text": "hello"}}', headers, LIMITS)
    assert decode_base64_data(event)["data"] == {"message": {"text": "hello"}}


STATED: list[tuple[bytes, dict[str, str], int, str]] = [
    (ONE, {}, 415, "unsupported-media-type"),
    (ONE, {"content-type": "text/plain"}, 415, "unsupported-media-type"),
    (b"", {**CE, "content-type": "application/cloudevents+xml"}, 415, "unsupported-media-type"),
    (ONE, {"content-type": "application/json; charset=utf-16"}, 415, "unsupported-media-type"),
    (ONE, {"content-type": "application/json", "content-encoding": "br"}, 415, "unsupported-encoding"),
    (ONE, {"content-type": "application/json", "content-encoding": "gzip, deflate"}, 415, "unsupported-encoding"),
    (ONE, {"content-type": "application/json", "content-encoding": "gzip"}, 400, "bad-encoding"),
    (ONE[:-1], {"content-type": "application/json"}, 400, "json-syntax"),
    (b"{", {**CE, "content-type": "application/json"}, 400, "json-syntax"),
    (SEVERAL, {"content-type": MEDIA_TYPES[0]}, 400, "not-an-event"),
    (ONE, {"content-type": MEDIA_TYPES[1]}, 400, "not-a-batch"),
    (b"{}", {**CE, "ce-subject": "%C0%A0"}, 400, "bad-header"),
    (b"{}", {**CE, "ce-datacontenttype": "application/json"}, 400, "bad-header"),
    (b"{}", {**CE, "ce-data": "{}"}, 400, "bad-header"),
    (b" " * (LIMITS.max_bytes + 1), {"content-type": "application/json"}, 413, "too-large"),
    (gzip.compress(b" " * (LIMITS.max_bytes + 1)), {"content-encoding": "gzip"}, 413, "too-large"),
    (b"hello", {**CE, "content-type": "text/plain"}, 422, "bad-data"),
]


@pytest.mark.parametrize(("body", "headers", "status", "reason"), STATED)
async def test_a_wrong_one_is_answered_as_the_guide_says(
    body: bytes, headers: dict[str, str], status: int, reason: str
) -> None:
    assert await refusal(body, headers) == (status, reason)
    assert any(str(status) in answer and f"`{reason}`" in answer for answer in ANSWERS)


def test_the_guide_states_no_other_answer() -> None:
    named = {word for answer in ANSWERS for word in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", answer)}
    assert named == {reason for *_, reason in STATED}


async def refusal(body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
    """Return the status and the reason with which a request is refused, read as the route reads it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop()

    with pytest.raises(Refused) as refused:
        content = await read_body(Headers(headers), receive, BodyLimits())
        for event in read(content, headers.items(), LIMITS):
            read_data(decode_base64_data(event), catalogue()[event["type"]])
    return refused.value.status, refused.value.reason
