"""Read contexts, and lists by pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypedDict
from urllib.parse import quote

import msgspec

from cx_client.core.asking import Patience, ask, ask_json, error_of
from cx_client.core.errors import HubRefused
from cx_client.core.exchanges import Operation, Query, Request, query_of
from cx_client.core.outcomes import EventName
from cx_events.json_types import Json

_UNKNOWN = "unknown-customer"


@dataclass(frozen=True, slots=True)
class Context:
    """A customer's context. ``meta`` and ``body``: as the hub tells them. ``etag``: empty where it came by a stream."""

    meta: Json
    body: Json
    etag: str = ""

    @property
    def customer(self) -> str:
        """Return the customer's id of today."""
        return str(self.body["customer"]["id"])

    @property
    def version(self) -> int | None:
        """Return the version, None for the past."""
        version = self.meta["version"]
        return int(version) if version is not None else None


class ContextOptions(TypedDict, total=False):
    """The members of ``ContextQuery`` but the first, for keyword arguments."""

    identifier: str | None
    interaction: str | None
    scope: str | None
    assurance: Literal["asserted", "proved"] | None
    at_least: Sequence[EventName]
    wait: str | None
    as_of: str | None
    known_at: str | None


@dataclass(frozen=True, slots=True)
class ContextQuery:
    """Name a customer by exactly one of ``customer`` (an id), ``identifier`` (``KIND:VALUE``) and ``interaction``; an
    interaction may also go with a customer's id, to be told how sure it is who is at its other end.

    ``assurance``: the least that is answered, ``asserted`` or ``proved``. ``at_least``: events that must be in it, for
    which the hub waits up to ``wait`` (like ``2s``). ``as_of``, ``known_at``: RFC 3339.
    """

    customer: str | None = None
    identifier: str | None = None
    interaction: str | None = None
    scope: str | None = None
    assurance: Literal["asserted", "proved"] | None = None
    at_least: Sequence[EventName] = ()
    wait: str | None = None
    as_of: str | None = None
    known_at: str | None = None

    def request(self) -> Request:
        """Return the request; an identifier goes in the body, which no access log holds. Raises ``ValueError``."""
        times = query_of(wait=self.wait, as_of=self.as_of, known_at=self.known_at, assurance=self.assurance)
        common: Query = (*(("at_least", str(name)) for name in self.at_least), *times)
        named = [each for each in (self.customer, self.identifier) if each is not None]
        if len(named) > 1 or not (named or self.interaction) or (self.identifier and self.interaction):
            raise ValueError("name the customer by one of customer, identifier and interaction")
        if self.identifier is not None:
            body = {"identifier": self.identifier, **({"scope": self.scope} if self.scope else {})}
            content = msgspec.json.encode(body)
            return Request("POST", "/v1/context/lookup", common, {"content-type": "application/json"}, content)
        path = f"/v1/customers/{segment(self.customer)}/context" if self.customer is not None else "/v1/context"
        return Request("GET", path, (*query_of(interaction=self.interaction), *common))


def segment(text: str) -> str:
    """Return text as one step of a path."""
    return quote(text, safe="")


def read_context(query: ContextQuery, patience: Patience, known: Context | None = None) -> Operation[Context]:
    """Return a context; ``known`` itself where it has not changed since. Raises ``HubRefused``, ``HubUnavailable``."""
    request = query.request()
    if known is not None and known.etag and request.method == "GET":
        headers = {**request.headers, "if-none-match": known.etag}
        request = Request(request.method, request.path, request.query, headers)
        answer = yield from ask(request, patience)
        if answer.status == 304:
            return known
        if answer.status != 200:
            raise error_of(answer)
    else:
        answer = yield from ask_json(request, patience)
    found = answer.json()
    return Context(found["meta"], found["body"], answer.headers.get("etag", ""))


def find_context(identifier: str, scope: str | None, patience: Patience) -> Operation[Context | None]:
    """Return the context of an identifier's customer, None where the hub knows none.

    Raises ``HubRefused``: ``ambiguous-identifier`` (409), whose ``problem`` has ``candidates``, where it is shared.
    """
    try:
        return (yield from read_context(ContextQuery(identifier=identifier, scope=scope), patience))
    except HubRefused as refused:
        if refused.reason != _UNKNOWN:
            raise
        return None


class Page(NamedTuple):
    """``next``: the cursor of the following page, None after the last."""

    items: list[Json]
    next: str | None


def read_page(path: str, query: Query, cursor: str | None, patience: Patience) -> Operation[Page]:
    """Return one page of a list, the first without a cursor. Raises ``HubRefused``, ``HubUnavailable``."""
    answer = yield from ask_json(Request("GET", path, (*query, *query_of(cursor=cursor))), patience)
    found = answer.json()
    return Page(found["items"], found["next"])


def request_json(request: Request, patience: Patience) -> Operation[Json]:
    """Return the JSON object that a request is answered with. Raises ``HubRefused``, ``HubUnavailable``."""
    return (yield from ask_json(request, patience)).json()
