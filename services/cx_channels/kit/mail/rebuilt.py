"""Rebuild a mail from the fields and files that a vendor took it apart into.

The tree has the forms of the text and the files as a mail has them, so that the mail is mapped like one that came raw:
where the vendor changed nothing, text, thread, ids and digest are the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cx_channels.kit.form_parts import FormPart
from cx_channels.kit.mail.message.body import REPORT_TYPES
from cx_channels.kit.mail.mime.headers import Headers
from cx_channels.kit.mail.mime.parse import MAX_PARTS, Mail, Part, unpack
from cx_channels.kit.mail.mime.structured_fields import StructuredField, parse_structured

_NO_NAME = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Form:
    """One form of the text: ``text/plain`` or ``text/html``, its bytes and their charset."""

    media_type: str
    content: bytes
    charset: str = "utf-8"


@dataclass(frozen=True, slots=True)
class File:
    """An attached file. ``content_type``: as a header has it. ``content_id``: "" where nothing refers to it."""

    name: str
    content: bytes
    content_type: str
    content_id: str = ""


def file_of(part: FormPart, name: str = "", content_type: str = "", content_id: str = "") -> File:
    """Return the file in a form's part; what is told of it elsewhere counts before what the part says."""
    return File(
        name or part.file_name or "", part.content, content_type or part.headers.raw("content-type"), content_id
    )


def rebuilt_mail(headers: Headers, forms: Iterable[Form], files: Iterable[File]) -> Mail:
    """Return the mail."""
    omissions: set[str] = set()
    written = [
        make_part(form.media_type, form.content, {"charset": form.charset}) for form in forms if form.content.strip()
    ]
    parts = [make_part("multipart/alternative", b"", parts=written)] if written else []
    given = list(files)
    if len(given) > MAX_PARTS:
        omissions.add("parts")
    for each in given[:MAX_PARTS]:
        part = _file(each)
        omissions |= unpack(part)
        parts.append(part)
    kind = "multipart/report" if any(part.media_type in REPORT_TYPES for part in parts) else "multipart/mixed"
    return Mail(make_part(kind, b"", parts=parts, headers=headers), tuple(sorted(omissions)))


def _file(file: File) -> Part:
    kind = parse_structured(file.content_type)
    media_type = kind.value if kind.value.count("/") == 1 else _NO_NAME
    part = make_part(media_type, file.content, kind.parameters, file_name=file.name)
    if file.content_id:
        part.headers = Headers([("content-id", file.content_id.encode("utf-8", "replace"))])
    return part


def make_part(
    media_type: str,
    content: bytes,
    parameters: dict[str, str] | None = None,
    *,
    parts: list[Part] | None = None,
    headers: Headers | None = None,
    file_name: str | None = None,
) -> Part:
    """Return a part of a mail that never was one."""
    named = StructuredField("", {}) if file_name is None else StructuredField("attachment", {"filename": file_name})
    kind = StructuredField(media_type, parameters or {})
    return Part(headers or Headers(), kind, named, content, 0, len(content), parts or [])
