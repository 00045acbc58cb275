"""Read a mail that SendGrid received: raw in the field ``email``, or taken apart into fields and files.

www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook: ``headers`` are those of
the mail as they are; ``text``, ``html`` and the addresses are bytes in the charsets that ``charsets`` names, files are
the fields ``attachment1`` and so on, which ``attachment-info`` describes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import msgspec

from cx_channels.email.sendgrid.dkim import signers_in
from cx_channels.kit.form_parts import FormPart, read_parts
from cx_channels.kit.json_values import first, obj, text, texts
from cx_channels.kit.mail.mapping import Envelope, MailMapping
from cx_channels.kit.mail.mime.charsets import clean, decode
from cx_channels.kit.mail.mime.headers import MAX_VALUE, Headers, split_head
from cx_channels.kit.mail.mime.parse import Mail, parse
from cx_channels.kit.mail.originals import mapped_fields, mapped_mail
from cx_channels.kit.mail.rebuilt import File, Form, file_of, rebuilt_mail
from cx_channels.kit.mail.settings import mail_settings
from cx_channels.provider import Connection, Mapped, Request
from cx_events import strict_json
from cx_events.envelope import Draft
from cx_events.errors import Refused
from cx_events.json_types import Json

SAYING = ("headers", "from", "to", "subject", "text", "html")
"""Any of these, or a file, makes a form one about a mail."""

_NOT_KEPT = frozenset({"spam_score", "spam_report"})
_FILE = re.compile(r"attachment[0-9]{1,4}")


@dataclass(frozen=True)
class ParsedForm:
    """The form of one mail. ``parts``: as they came."""

    parts: tuple[FormPart, ...]

    @cached_property
    def fields(self) -> Mapping[str, FormPart]:
        """The fields by name; of one that stands twice the first."""
        found: dict[str, FormPart] = {}
        for part in self.parts:
            found.setdefault(part.name, part)
        return found

    def content(self, name: str) -> bytes:
        part = self.fields.get(name)
        return part.content if part is not None else b""

    def object(self, name: str) -> Json:
        """Return a field that is a JSON object; an empty one for anything else."""
        try:
            return obj(strict_json.decode_mended(self.content(name))) if self.content(name) else {}
        except Refused:
            return {}

    @cached_property
    def charsets(self) -> Json:
        return self.object("charsets")

    def written(self, name: str) -> str:
        """Return a field as text, by its charset."""
        return clean(decode(self.content(name), text(self.charsets.get(name))))

    @property
    def files(self) -> list[FormPart]:
        return [part for part in self.parts if _FILE.fullmatch(part.name)]


def read_form(request: Request) -> ParsedForm:
    """For ``Request.once``: the form. ``Refused("malformed")`` for what is none, or tells of no mail."""
    form = ParsedForm(request.once(read_parts))
    if not form.content("email").strip() and not any(form.content(name).strip() for name in SAYING) and not form.files:
        raise Refused("malformed", f"this is no mail: it has neither email nor any of {', '.join(SAYING)} nor a file")
    return form


def map_inbound(request: Request, connection: Connection) -> Mapped:
    """Map one mail. Raise ``Refused`` as ``read_form`` does."""
    form = request.once(read_form)
    reading, drafts = read_inbound(request, connection)
    if form.content("email").strip():
        return mapped_mail(form.content("email"), reading, drafts)
    return mapped_fields(_kept(form), reading, drafts)


def read_inbound(request: Request, connection: Connection) -> tuple[MailMapping, list[Draft]]:
    """Return a mail as it was read, and its drafts without ``raw``."""
    form = request.once(read_form)
    raw = form.content("email")
    mail = parse(raw) if raw.strip() else _mail_of(form)
    if raw.strip() and not mail.headers.fields:
        raise Refused("malformed", "this is no mail: email has no header field")
    settings = mail_settings(connection.settings, by_vendor=True)
    reading = MailMapping(connection.id, mail, settings, _envelope(form, mail.headers))
    return reading, reading.drafts()


def _envelope(form: ParsedForm, headers: Headers) -> Envelope:
    envelope, told = form.object("envelope"), form.written("dkim").strip()
    to = texts(envelope.get("to")) or texts([envelope.get("to")])
    sender = envelope.get("from")
    return Envelope(
        sender=text(sender) if isinstance(sender, str) else None,
        recipients=", ".join(each for each in to)[:MAX_VALUE],
        by_vendor=True,
        signers=signers_in(told, headers),
        told=f"dkim {told}",
    )


# --- fields to a tree of parts ---------------------------------------------------------------------------------------


def _mail_of(form: ParsedForm) -> Mail:
    forms = [
        Form(kind, form.content(name), text(form.charsets.get(name)) or "utf-8")
        for name, kind in (("text", "text/plain"), ("html", "text/html"))
    ]
    return rebuilt_mail(_headers(form), forms, _files(form))


def _headers(form: ParsedForm) -> Headers:
    """Return the fields of the mail: those in ``headers``, and of what is missing there the ones shown apart."""
    found, _ = split_head(form.content("headers").strip() + b"\r\n\r\n")
    shown = ((name, " ".join(form.written(name).split())) for name in ("from", "to", "cc", "subject"))
    missing = [(name, value.encode("utf-8", "replace")[:MAX_VALUE]) for name, value in shown if value]
    return Headers([*found.fields, *((name, value) for name, value in missing if name not in found)])


def _files(form: ParsedForm) -> Iterator[File]:
    info = form.object("attachment-info")
    ids = {text(name): cid for cid, name in form.object("content-ids").items()}
    for part in form.files:
        about = obj(info.get(part.name))
        yield file_of(
            part,
            name=first(about.get("filename"), about.get("name")),
            content_type=part.headers.raw("content-type") or text(about.get("type")),
            content_id=first(about.get("content-id"), ids.get(part.name)),
        )


def _kept(form: ParsedForm) -> bytes:
    """Return the fields that a retry repeats, as JSON on one line. Files are kept by their content."""
    told = {name: form.written(name) for name in form.fields if not _FILE.fullmatch(name) and name not in _NOT_KEPT}
    return msgspec.json.encode({"form": told})
