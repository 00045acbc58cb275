"""A provider's own requests: those that its folder holds as fixtures, and where its recordings lie.

``fixtures/NAME`` is one request. Beside it may stand ``NAME.headers`` (``Name: value``, a line each) and
``NAME.connection`` (settings for this one alone); ``connection.json`` gives settings and region for all.
``golden/NAME.jsonl`` holds what it becomes.

``fixtures/kinds/`` holds what only reaches a kind: single requests, or a request a line in ``NAME.jsonl`` (JSON bodies)
and ``NAME.forms`` (form bodies). ``golden/kinds/NAME.jsonl`` holds what all requests of a file become.

``fixtures/named.json`` says whom the requests name: ``{"agents": [ID...], "queues": [ID...]}``, by the vendor's ids.

Where a connection declares much (``chat/generic``), ``connection.json`` may name YAML files below the provider's
folder, by setting and by how a fixture's name begins:
``{"files": {"mapping": {"crisp-": "examples/crisp.yaml"}}}``. Without a fixture the first counts.

``fixtures/recordings.txt`` names folders of recorded requests, below ``shared/fixtures`` beside the repository.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from cx_channels.dry_run import DEMO_TENANT, recorded_request
from cx_channels.provider import Connection, Provider, Request
from cx_channels.published_keys import HeldKeys
from cx_channels.registry import folder_name
from cx_events.errors import Refused

RECORDINGS_FOLDER = Path(__file__).parents[2].parent / "shared" / "fixtures"

_BESIDE = (".headers", ".connection")
_OWN_NAMES = frozenset({"connection.json", "named.json", "recordings.txt"})
_REQUEST_A_LINE = {".jsonl": ".json", ".forms": ".form"}


@dataclass(frozen=True)
class Case:
    """One request of a provider. ``path``: of its file; ``content``: the request's own bytes; ``name``: for people;
    ``number``: of the request in a file of ``kinds/``, from 1 on, else 0."""

    path: Path
    name: str
    content: bytes
    number: int = 0

    @property
    def golden(self) -> str:
        """Return the path of its golden file, below ``golden/``."""
        return f"{'kinds/' if self.number else ''}{self.path.name}.jsonl"

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Return the headers that stand beside the file."""
        beside = self.path.with_name(self.path.name + ".headers")
        lines = beside.read_text(encoding="utf-8").splitlines() if beside.exists() else []
        pairs = (line.partition(":") for line in lines if line.strip())
        return [(name.strip(), value.strip()) for name, _, value in pairs]

    @property
    def file_name(self) -> str:
        """Return the name by whose extension the content type is known."""
        return self.path.stem + _REQUEST_A_LINE.get(self.path.suffix, self.path.suffix)

    def request(self, provider: Provider, content: bytes | None = None) -> Request:
        """Return the request, or the same with another content. ``Refused`` where no provider would read it."""
        body = self.content if content is None else content
        return recorded_request(provider, body, filename=self.file_name, headers=self.headers)

    def connection(self, provider: Provider) -> Connection:
        """Return the connection that this request is for."""
        return connection_of(provider, self.path)


def folder_of(provider: Provider) -> Path:
    """Return the provider's folder."""
    package = f"cx_channels.{folder_name(provider.name).replace('/', '.')}"
    return Path(str(import_module(package).__file__)).parent


def fixtures_of(provider: Provider) -> list[Path]:
    """Return the files that have a golden file each."""
    return _requests_in(folder_of(provider) / "fixtures")


def cases_of(provider: Provider) -> Iterator[Case]:
    """Yield every request of the folder, those that only reach a kind last."""
    for path in fixtures_of(provider):
        yield Case(path, path.name, path.read_bytes())
    for path in _requests_in(folder_of(provider) / "fixtures" / "kinds"):
        if path.suffix not in _REQUEST_A_LINE:
            yield Case(path, f"kinds/{path.name}", path.read_bytes(), 1)
            continue
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            if line.strip():
                yield Case(path, f"kinds/{path.name}:{number}", line, number)


def readable_requests(provider: Provider) -> Iterator[tuple[Case, Request]]:
    """Yield each case with its request, those left out that no provider would read."""
    for case in cases_of(provider):
        try:
            yield case, case.request(provider)
        except Refused:
            continue


def recording_folders(provider: Provider) -> list[str]:
    """Return the folders of recordings, below ``RECORDINGS_FOLDER``."""
    path = folder_of(provider) / "fixtures" / "recordings.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def connection_of(provider: Provider, fixture: Path | None = None) -> Connection:
    """Return the connection of a fixture, with the first two of the provider's example secrets."""
    given = _json(folder_of(provider) / "fixtures" / "connection.json")
    more = _json(fixture.with_name(fixture.name + ".connection")) if fixture is not None else {}
    settings = given.get("settings", {}) | _from_files(provider, given, fixture) | more.get("settings", {})
    scheme = provider.scheme(_connection(provider, given.get("region"), settings, ()))
    secrets = scheme.example_secrets[:2] if scheme else ("a secret", "another secret")
    return _connection(provider, given.get("region"), settings, secrets)


_CONNECTIONS: dict[str, Connection] = {}


def _connection(
    provider: Provider, region: str | None, settings: dict[str, Any], secrets: tuple[str, ...]
) -> Connection:
    """Return one connection for all requests, as in a hub: what its settings say is compiled once."""
    key = json.dumps([provider.name, region, settings, secrets], default=str)
    if key not in _CONNECTIONS:
        _CONNECTIONS[key] = Connection("try", DEMO_TENANT, provider.name, secrets, region, settings)
    return _CONNECTIONS[key]


def with_keys(provider: Provider, connection: Connection) -> Connection:
    """Return the connection with what its vendor would publish for its secrets, where it publishes keys."""
    if provider.keys is None:
        return connection
    return replace(connection, keys=HeldKeys(provider.keys.published(connection)))


def _from_files(provider: Provider, given: dict[str, Any], fixture: Path | None) -> dict[str, object]:
    """Return the settings whose values are YAML files of the folder."""
    found: dict[str, object] = {}
    for setting, files in given.get("files", {}).items():
        name = next((begin for begin in files if fixture is None or fixture.name.startswith(begin)), None)
        if name is not None:
            found[setting] = _yaml(folder_of(provider) / files[name])
    return found


@cache
def _yaml(path: Path) -> object:
    return yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)


@cache
def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def _requests_in(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.glob("*")
        if path.is_file() and path.suffix not in _BESIDE and path.name not in _OWN_NAMES
    )
