"""Read a request of Mailgun's: JSON of a webhook, or a form of a route or of a webhook of before 2018.

documentation.mailgun.com/docs/mailgun/user-manual/receive-forward-store/receive-http and .../webhooks/webhook-payloads.
Routes also send the fields of the mail as fields of the form, under the names that the sender gave them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cx_channels.kit.form_parts import FormPart, read_parts
from cx_channels.kit.json_values import obj, objects, read_object
from cx_channels.kit.mail.mime.charsets import clean
from cx_channels.provider import Connection, Request
from cx_events import strict_json
from cx_events.errors import Refused
from cx_events.json_types import Json

MAX_BYTES = 40 << 20
"""The largest request: Mailgun takes mails of 25 MB, and writes bytes of a form without files as ``%XX``."""

PROOF = ("timestamp", "token", "signature")

_LIMITS = strict_json.Limits(max_bytes=MAX_BYTES)
_FILE = re.compile(r"attachment-[0-9]{1,4}")
_WRITTEN = ("body-mime", "body-plain", "body-html", "stripped-text", "stripped-html")


@dataclass(frozen=True)
class MailgunForm:
    """The fields of a form. ``parts``: as they came."""

    parts: tuple[FormPart, ...]

    @cached_property
    def by_name(self) -> dict[str, list[FormPart]]:
        found: dict[str, list[FormPart]] = {}
        for part in self.parts:
            found.setdefault(part.name, []).append(part)
        return found

    def content(self, name: str) -> bytes:
        """Return the first field of a name; nothing where there is none."""
        named = self.by_name.get(name)
        return named[0].content if named else b""

    def every(self, name: str) -> list[bytes]:
        return [part.content for part in self.by_name.get(name, ())]

    def text(self, name: str) -> str:
        return clean(self.content(name).decode("utf-8", "replace"))

    def json(self, name: str) -> Any:
        """Return what a field of JSON holds; None where it is none."""
        try:
            return strict_json.decode_mended(self.content(name), _LIMITS) if self.content(name).strip() else None
        except Refused:
            return None

    @property
    def files(self) -> list[FormPart]:
        return [part for part in self.parts if _FILE.fullmatch(part.name) and part.file_name is not None]

    @property
    def stored(self) -> list[Json]:
        """The files that Mailgun keeps (``store``), each with its address."""
        return objects(self.json("attachments"))

    @property
    def is_mail(self) -> bool:
        """Return whether a route sent it. A mail may name a field ``event``: what was written decides."""
        if self.files or any(name in self.by_name for name in _WRITTEN):
            return True
        return "event" not in self.by_name and any(
            self.content(name).strip() for name in ("message-headers", "from", "sender", "subject")
        )


def is_json(request: Request) -> bool:
    """Return whether the body is JSON."""
    return strict_json.is_json(request.content_type) or request.body[:1] == b"{"


def read_form(request: Request) -> MailgunForm:
    """For ``Request.once``: the form. ``Refused("malformed")`` for what is none."""
    return MailgunForm(request.once(read_parts))


def read_webhook(request: Request) -> Json:
    """For ``Request.once``: the JSON object of a webhook. ``Refused("malformed")`` for what is none."""
    return read_object(request.body, _LIMITS)


def proofs_of(request: Request, connection: Connection) -> list[tuple[str, str, str]]:
    """Return what may be the time, the token and the signature; nothing for a body that can't be read.

    A webhook has one: with the setting ``subaccounts`` that of the parent account, where there is one. The form of a
    mail may hold fields of the same names by its sender, before or behind Mailgun's: the first and the last are tried.
    """
    try:
        if is_json(request):
            webhook = request.once(read_webhook)
            parent = obj(webhook.get("parent-signature")) if connection.settings.get("subaccounts") is True else {}
            given = parent or obj(webhook.get("signature"))
            return [_triple([given.get(name) for name in PROOF])] if given else []
        form = request.once(read_form)
    except Refused:
        return []
    named = [form.every(name) for name in PROOF]
    if not all(named):
        return []
    places = (0, -1) if form.is_mail else (-1,)
    return list(dict.fromkeys(_triple([each[at].decode("utf-8", "replace") for each in named]) for at in places))


def _triple(values: list[Any]) -> tuple[str, str, str]:
    at, token, signature = (str(each) if isinstance(each, str | int) else "" for each in values)
    return at.strip(), token.strip(), signature.strip()
