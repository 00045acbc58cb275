"""Ask vendors' libraries in Node: those that the folder ``node_sdks`` pins, in one process for all questions.

A question is a line of JSON, and so is its answer (``answers.mjs``). What a library makes of a bad request is its own
affair: an error of any kind is no consent.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from subprocess import Popen
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.clients import node_client
from tests.clients.vendor_readers import Told

from cx_channels.kit.example_keys import example_key
from cx_channels.provider import Connection, Request
from cx_channels.registry import provider

FOLDER = Path(__file__).parent / "node_sdks"

Signer = Callable[[Request, Connection, str], Request]


class LibraryError(Exception):
    """An error of a library; the message has its name and its words."""


@cache
def _process() -> Popen[str]:
    """Return the process, started once; it ends with its standard input."""
    return node_client.start("answers.mjs", os.environ, folder=FOLDER)


def _ask(verb: str, sdk: str, request: Request, **given: Any) -> Any:
    """Return what a library says. Raise ``ImportError`` for one that is not here, ``LibraryError`` for its own."""
    process = _process()
    assert process.stdin is not None
    assert process.stdout is not None
    told: dict[str, Any] = {"method": request.method, "url": request.url, "headers": dict(request.headers)}
    told |= {"body": b64encode(request.body).decode(), "received": request.received}
    process.stdin.write(json.dumps({"verb": verb, "sdk": sdk, "request": told, **given}) + "\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    if "missing" in answer:
        raise ImportError(answer["missing"])
    if "error" in answer:
        raise LibraryError(answer["error"])
    return answer.get("said")


def _published(connection: Connection) -> Mapping[str, str]:
    """Return what the vendor would publish of its keys, by address, in base64."""
    keys = provider(connection.provider).keys
    found = keys.published(connection) if keys is not None else {}
    return {url: b64encode(document).decode() for url, document in found.items()}


def accepts(sdk: str) -> Callable[[Request, Connection], bool]:
    """Return the check of a library: whether it takes a request that the connection's newest secret signed."""

    def check(request: Request, connection: Connection) -> bool:
        given = {"secret": connection.secrets[0], "settings": dict(connection.settings)}
        try:
            return bool(_ask("accepts", sdk, request, **given, documents=_published(connection)))
        except LibraryError:
            return False

    return check


def signs(sdk: str, key_id: Callable[[Request], str] | None = None) -> Signer:
    """Return the signer of a library, with a secret; where ``key_id`` names a key, with the example key of a name."""

    def sign(request: Request, _connection: Connection, secret: str) -> Request:
        given: dict[str, str] = {"secret": secret}
        if key_id is not None:
            der = example_key(secret).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
            given |= {"key": b64encode(der).decode(), "keyId": key_id(request)}
        made = _ask("signs", sdk, request, **given)
        body = b64decode(made["body"]) if "body" in made else request.body
        headers = {**request.headers, **made.get("headers", {})}
        return replace(request, body=body, url=made.get("url", request.url), headers=headers)

    return sign


def reads(sdk: str) -> Callable[[Request, Connection], Iterator[Told]]:
    """Return the reader of a library: what it says of a request's notices."""

    def read(request: Request, _connection: Connection) -> Iterator[Told]:
        for each in _ask("reads", sdk, request):
            at = each.pop("at", None)
            yield Told(**each)._replace(at=None if at is None else at * 1000)

    return read
