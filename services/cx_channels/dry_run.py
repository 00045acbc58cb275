"""Map a recorded request without a hub: the engine of ``cx map`` and of the providers' golden files.

The signature is not checked, since a recording seldom holds what was signed. Ids are those of a demo tenant, and the
time of receipt is given, so that the same recording always becomes the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from cx_channels.correlations import Correlations
from cx_channels.provider import Connection, Ignored, Mapped, Provider, Request, Unmapped
from cx_channels.registry import provider as find_provider
from cx_events.dead_letters import state_of
from cx_events.errors import Fatal, Refused
from cx_events.facts import connection_source
from cx_events.ids import IdSpace
from cx_events.stamp import StampedEvent, stamp
from cx_events.timestamps import Micros, parse_time

DEMO_TENANT = "acme"
DEMO_IDS = IdSpace(DEMO_TENANT, b"a key for trials, of no tenant")
DEMO_NOW: Micros = parse_time("2026-11-22T10:00:00Z")

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
MAIL = "message/rfc822"
MULTIPART = "multipart/form-data"

BY_EXTENSION = {
    ".form": FORM,
    ".query": "",  # a GET without a body; the content is the query string
    ".head": "",  # a HEAD without a body; the content counts for nothing
    ".json": JSON,
    ".jsonc": JSON,
    ".eml": MAIL,
    ".mime": MAIL,
    ".multipart": MULTIPART,
    ".xml": "application/xml",
}

_METHODS = {"webhook": "POST", "smtp": "SMTP", "websocket": "MESSAGE", "poller": "MESSAGE"}
_FETCHED = ".message"
"""In the name of a file (``mention.message.json``): the hub fetched it, though the provider has a webhook, too."""
_MAX_FIELDS = 1000
_TRIED = "try"


Uncorrelated = tuple[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class DryRunResult:
    """The outcome of a dry run; ``refused`` where nothing could be mapped.

    ``uncorrelated``: the correlations, by name and paths, for which no call has a value.
    """

    events: tuple[StampedEvent, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    refused: Refused | None = None
    uncorrelated: tuple[Uncorrelated, ...] = ()

    @property
    def exit_code(self) -> int:
        """Return that of ``cx map``: 0 events, 2 refused or a part that could not be mapped, 3 only kinds that are left
        out or wait for an adapter."""
        if self.refused is not None or any(
            state_of(each.reason.partition(":")[0]) == "failed" for each in self.unmapped
        ):
            return 2
        return 0 if self.events else 3

    def lines(self) -> list[bytes]:
        """Return all of it as JSON lines: the events' own bytes, then what was left out, and why."""
        rest: list[dict[str, Any]] = [{"ignored": each.kind, "why": each.why} for each in self.ignored]
        rest += [{"unmapped": each.id, "reason": each.reason} for each in self.unmapped]
        rest += [{"uncorrelated": name, "absent": list(paths)} for name, paths in self.uncorrelated]
        if self.refused is not None:
            refused = self.refused
            rest.append({"refused": refused.reason, "detail": refused.detail, "status": refused.status})
        return [event.raw for event in self.events] + [msgspec.json.encode(each) for each in rest]


def dry_run(
    provider_name: str,
    content: bytes,
    *,
    content_type: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
    filename: str = "",
    connection_id: str = _TRIED,
    settings: Mapping[str, Any] | None = None,
    region: str | None = None,
    now: Micros = DEMO_NOW,
    correlations: Correlations | None = None,
) -> DryRunResult:
    """Map a recorded body as the connection ``connection_id`` of a demo tenant would. Total: never raises.

    ``content_type``: guessed from the file's extension (``BY_EXTENSION``) or the first bytes where not given.
    ``region`` and ``settings``: the connection's, as in ``CX_CONFIG``. A file of more than one request is not split.
    ``correlations``: of the tenants of ``CX_CONFIG``, whose connection is ``connection_id``.
    """
    try:
        provider = find_provider(provider_name)
        connection = Connection(
            id=connection_id, tenant=DEMO_TENANT, provider=provider.name, region=region, settings=settings or {}
        )
        request = recorded_request(
            provider, content, content_type=content_type, headers=headers, filename=filename,
            connection_id=connection_id, now=now,
        )  # fmt: skip
    except Refused as refused:
        return DryRunResult(refused=refused)
    return outcome_of(provider, request, connection, correlations)


def check_settings(provider_name: str, settings: Mapping[str, Any], region: str | None = None) -> None:
    """Raise ``Refused("bad-settings")`` for settings with which no hub would start, with all that is wrong."""
    provider = find_provider(provider_name)
    try:
        provider.warnings(Connection(_TRIED, DEMO_TENANT, provider.name, (), region, settings))
    except Fatal as mistake:
        raise _bad_settings(mistake) from None


def _bad_settings(mistake: Fatal) -> Refused:
    """Return the refusal of settings, with the places in the settings alone: there is no configuration to name."""
    lines = str(mistake).replace(f"tenants.{DEMO_TENANT}.connections.{_TRIED}.settings.", "").splitlines()
    return Refused("bad-settings", lines[0] if len(lines) == 1 else "\n  ".join([f"{len(lines)} mistakes", *lines]))


def outcome_of(
    provider: Provider, request: Request, connection: Connection, correlations: Correlations | None = None
) -> DryRunResult:
    """Return what a request becomes; ``Refused`` is part of the result."""
    try:
        mapped = provider.map(request.mended(), connection)
    except Refused as refused:
        return DryRunResult(refused=refused)
    except Fatal as mistake:
        return DryRunResult(refused=_bad_settings(mistake))
    uncorrelated: tuple[Uncorrelated, ...] = ()
    if correlations is not None:
        drafts = tuple(correlations.correlated(draft, connection.id) for draft in mapped.drafts)
        mapped = msgspec.structs.replace(mapped, drafts=drafts)
        uncorrelated = tuple(correlations.without_value(drafts, connection.id))
    events = stamped(mapped, connection, request.received)
    return DryRunResult(events, mapped.ignored, mapped.unmapped, uncorrelated=uncorrelated)


def stamped(mapped: Mapped, connection: Connection, now: Micros) -> tuple[StampedEvent, ...]:
    """Return the drafts as they would lie on the log."""
    source = connection_source(DEMO_TENANT, connection.id)
    return tuple(
        stamp(draft, source=source, recorded=now, ids=DEMO_IDS, region=connection.region) for draft in mapped.drafts
    )


def recorded_request(
    provider: Provider,
    content: bytes,
    *,
    content_type: str | None = None,
    headers: Iterable[tuple[str, str]] = (),
    filename: str = "",
    connection_id: str = _TRIED,
    now: Micros = DEMO_NOW,
) -> Request:
    """Return the request that a recorded body stands for. ``Refused`` for one that no provider would read."""
    if len(content) > provider.max_bytes:
        raise Refused("too-large", f"{len(content)} bytes; {provider.name} takes {provider.max_bytes}", 413)
    url = f"https://hub.example.com/v1/hooks/{connection_id}"
    named = {name.strip().lower(): value.strip() for name, value in headers}
    if _extension(filename) == ".query" and content_type is None:
        query = content.decode("utf-8", "replace").strip()
        return Request(b"", "GET", f"{url}?{query}", _fields(query), named, now)
    if _extension(filename) == ".head" and content_type is None:
        return Request(b"", "HEAD", url, (), named, now)
    if content_type is None:
        content_type = named.get("content-type") or guess_content_type(provider, content, filename)
    if content_type == FORM:
        content = content.strip()
    method = "MESSAGE" if _FETCHED in PurePath(filename.lower()).suffixes else _METHODS[provider.transport]
    return Request(content, method, url, (), {**named, "content-type": content_type}, now)


def guess_content_type(provider: Provider, content: bytes, filename: str) -> str:
    """Guess by the last extension that is known, else by the first bytes, else by the provider's transport."""
    known = BY_EXTENSION.get(_extension(filename))
    start = content[:256].lstrip()
    if known is None:
        if start.startswith((b"{", b"[")):
            known = JSON
        elif MAIL in provider.content_types:
            known = MAIL
        else:
            known = MULTIPART if start.startswith(b"--") else FORM
    if known == MULTIPART:
        boundary = start.partition(b"\n")[0].strip().removeprefix(b"--").decode("latin-1")
        return f'{MULTIPART}; boundary="{boundary}"'
    return known


def _extension(filename: str) -> str:
    return next((each for each in reversed(PurePath(filename.lower()).suffixes) if each in BY_EXTENSION), "")


def _fields(query: str) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(parse_qsl(query, keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:
        raise Refused("malformed", f"the query has more than {_MAX_FIELDS} fields") from None
