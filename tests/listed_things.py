"""Share what vendors whose lists are asked after a gap have in common: things that came at some moment."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from tests.http_vendor import HttpVendor

from cx_channels.provider import Connection, Request

SECRET = "a secret of the webhook"


def moment(at: int) -> str:
    """A time in seconds since 1970 as RFC 2822 has it."""
    return format_datetime(datetime.fromtimestamp(at, UTC))


def iso(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


class ListedVendor(HttpVendor):
    """``page``: things of one page at most. ``endless``: a list names the same next page for ever. ``elsewhere``: where
    the next page is, if not here."""

    settings: dict[str, Any]
    endless = False
    elsewhere = ""

    def __init__(self) -> None:
        super().__init__()
        self.page = 2
        self.things: list[dict[str, Any]] = []
        self.told: dict[str, Request] = {}

    def say(self, number: int, at: int) -> Request:
        """Have a thing. Its webhook is returned, unsigned."""
        raise NotImplementedError

    def id_of(self, number: int) -> str:
        """The id of the thing's event."""
        raise NotImplementedError

    def signed(self, request: Request, connection: Connection) -> Request:
        assert self.provider.sign is not None
        return self.provider.sign(request, connection, SECRET)

    def some(self, query: dict[str, str], there: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
        """A page of a list, and where the next begins; "" for its end."""
        if self.faults.reorder:
            there = sorted(there, key=lambda each: hash(str(each)))
        if self.faults.repeat:
            there = [each for one in there for each in (one, one)]
        at = int(query.get("at") or "0")
        if self.endless:
            return there[: self.page], "1"
        return there[at : at + self.page], str(at + self.page) if at + self.page < len(there) else ""
