"""Read a webhook of before 2018, a form, as the JSON of today has it.

Names and meanings as github.com/anymail/django-anymail has them (``anymail/webhooks/mailgun.py``); Mailgun's own pages
on these webhooks are gone. A sender's user variables stand in the same form.
"""

from __future__ import annotations

import re
from typing import Any

from cx_channels.email.mailgun.fields import PROOF, MailgunForm
from cx_channels.kit.json_values import text
from cx_events.json_types import Json

_PERMANENT = frozenset({"dropped", "bounced"})
_CODE = re.compile(r"[0-9]{3}")


def as_webhook(form: MailgunForm) -> Json:
    """Return ``event-data`` of a form. Fields that stand twice count by their first."""
    kind = form.text("event").strip().lower()
    code = form.text("code").strip()
    found: Json = {
        "event": "failed" if kind in _PERMANENT else kind,
        "timestamp": next((each.decode("ascii", "replace") for each in form.every("timestamp")[-1:]), ""),
        "recipient": form.text("recipient"),
        "message": {"headers": {"message-id": _message_id(form)}},
        "url": form.text("url"),
    }
    if kind in _PERMANENT:
        found["severity"], found["reason"] = "permanent", form.text("reason") or kind
        found["delivery-status"] = {
            "code": int(code) if _CODE.fullmatch(code) else 0,
            "message": form.text("error"),
            "description": form.text("description"),
        }
    if form.text("mailing-list"):
        found["mailing-list"] = {"address": form.text("mailing-list")}
    return found


def _message_id(form: MailgunForm) -> str:
    shown = form.text("Message-Id") or form.text("message-id")
    return shown or next((text(value) for name, value in pairs_of(form) if name.lower() == "message-id"), "")


def pairs_of(form: MailgunForm) -> list[tuple[str, Any]]:
    """Return the fields of a mail in ``message-headers``, a list of name and value."""
    given = form.json("message-headers")
    pairs = (each for each in given if isinstance(each, list) and len(each) == 2) if isinstance(given, list) else ()
    return [(name, value) for name, value in pairs if isinstance(name, str)]


def kept(form: MailgunForm) -> Json:
    """Return the fields as they are kept: each by its name, without the proof."""
    named = ((name, [part.text for part in parts]) for name, parts in form.by_name.items() if name not in PROOF)
    return {name: values[0] if len(values) == 1 else values for name, values in named}
