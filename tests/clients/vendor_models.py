"""Hold what events say against the models that the vendors' own SDKs make of the same requests.

The requests are the providers' fixtures and the recordings. Of each notice that a library reads there must be an event
with the same id, sender, words, files and time, as far as the library has them; and each message of ours must be one
that the library reads, too. What our settings leave out, and what a library can't read, is counted.

Needs the SDKs, which are no dependencies, in a folder on ``PYTHONPATH``. One that is not installed is left out, with a
sentence:

    pip install --target FOLDER line-bot-sdk python-telegram-bot viberbot botbuilder-schema botbuilder-core mautrix \
        Mastodon.py slack_bolt pywa django-anymail boto3 google-cloud-dialogflow google-cloud-dialogflow-cx
    PYTHONPATH=FOLDER .venv/bin/python -m tests.clients.vendor_models
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from tests.clients import vendor_mail_readers as mail_readers
from tests.clients import vendor_readers as readers
from tests.clients.vendor_readers import Told
from tests.contract.provider_cases import RECORDINGS_FOLDER, connection_of, readable_requests, recording_folders
from tests.readings.doors import requests_in

from cx_channels.dry_run import outcome_of, recorded_request
from cx_channels.provider import Connection, Provider, Request
from cx_channels.registry import provider
from cx_events.codec import decode
from cx_events.envelope import Event, Message
from cx_events.errors import Refused
from cx_events.timestamps import parse_time

_WRITTEN = frozenset({"cx.message.received.v1", "cx.message.sent.v1", "cx.message.edited.v1"})


class Sdk(NamedTuple):
    """A vendor's library. ``package``: what brings it; ``reads``: what it says of a request. ``settings``: of the
    connection besides the fixtures' own, so that nobody's messages are left out."""

    provider: str
    package: str
    reads: Callable[[Request, Connection], Iterator[Told]]
    settings: Mapping[str, Any] = {}


SDKS = (
    Sdk("social/line", "line-bot-sdk", readers.line),
    Sdk("social/telegram", "python-telegram-bot", readers.telegram),
    Sdk("social/viber", "viberbot", readers.viber),
    Sdk("chat/msteams", "botbuilder-core", readers.msteams, {"customers": ["*"], "agents": []}),
    Sdk("chat/matrix", "mautrix", readers.matrix),
    Sdk("social/mastodon", "Mastodon.py", readers.mastodon),
    Sdk("chat/slack", "slack_bolt", readers.slack, {"customers": ["*"]}),
    Sdk("social/whatsapp", "pywa", readers.whatsapp),
    Sdk("chat/dialogflow", "google-cloud-dialogflow-cx", readers.dialogflow, {"messages": "take"}),
    Sdk("email/sendgrid", "django-anymail", mail_readers.sendgrid),
    Sdk("email/mailgun", "django-anymail", mail_readers.mailgun),
    Sdk("email/postmark", "django-anymail", mail_readers.postmark),
    Sdk("email/amazon-ses", "django-anymail", mail_readers.amazon_ses),
)


@dataclass
class Held:
    """What came of one library. ``left_out``: notices that are none of ours, ``unread``: requests that we read and the
    library does not, by its exceptions."""

    requests: int = 0
    notices: int = 0
    left_out: int = 0
    unread: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)


def requests_of(known: Provider) -> Iterator[tuple[str, Request, Connection]]:
    """Yield the provider's fixtures and recordings, each with a name and the connection that it is for."""
    for case, request in readable_requests(known):
        yield case.name, request, case.connection(known)
    for folder in recording_folders(known):
        for path in sorted(each for each in (RECORDINGS_FOLDER / folder).rglob("*") if each.is_file()):
            for part, content in requests_in(path):
                try:
                    request = recorded_request(known, content, filename=path.name)
                except Refused:
                    continue
                yield f"{folder}/{path.name} {part}".strip(), request, connection_of(known)


def differences(told: Told, event: Event) -> list[str]:
    """Return what an event says otherwise than the library."""
    message, people = event.data.message or Message(), event.data.participants
    names = {name for each in people for known in each.identifiers for name in (known.value, known.given)}
    names |= {each.id for each in people}
    size = told.size if event.type in _WRITTEN else None  # a report of a mail that failed has none of the mail's files
    ids = {each.value for each in event.data.references if each.kind == "message"} | {message.id}
    said: Iterable[tuple[str, Any, Collection[Any]]] = (
        ("id", told.id, ids),
        ("sender", told.sender, names),
        ("text", told.text, {message.text}),
        ("time", told.at, {parse_time(event.time)}),
        ("subject", told.subject, {message.subject}),
        ("answers", told.answers, {message.in_reply_to}),
        ("file", told.file, {each.url for each in message.attachments}),
        ("size", size, {each.bytes for each in message.attachments}),
        ("intent", told.intent, {event.data.bot.intent if event.data.bot else ""}),
    )
    return [
        f"{name}: {given!r}, ours: {ours!r}" for name, given, ours in said if given is not None and given not in ours
    ]


def hold(sdk: Sdk, name: str, request: Request, connection: Connection, held: Held) -> None:
    """Hold one request's events against what the library says of it."""
    result = outcome_of(provider(sdk.provider), request, connection)
    events = [decode(each.raw) for each in result.events]
    try:
        told = list(sdk.reads(request, connection))
    except ImportError:
        raise
    except Exception as error:  # a library's own, of any kind
        if result.refused is None:
            held.unread[type(error).__name__] += 1
        return
    held.requests += 1
    agreed = set()
    for each in told:
        held.notices += 1
        found = [(differences(each, event), event.id) for event in events]
        agreed |= {id for wrong, id in found if not wrong}
        closest = min((wrong for wrong, _ in found), key=len, default=["no event"])
        if closest and (result.ignored or result.unmapped or result.refused):
            held.left_out += 1
        elif closest:
            held.differences.append(f"{name}: {each.kind}: {'; '.join(closest)}")
    if told:
        unknown = [each for each in events if each.type in _WRITTEN and each.id not in agreed]
        held.differences += [f"{name}: {each.type} {each.id}: not so in {sdk.package}" for each in unknown]


def held_by(sdk: Sdk) -> Held:
    """Hold one provider against its vendor's library."""
    held = Held()
    for name, request, given in requests_of(provider(sdk.provider)):
        connection = replace(given, settings={**given.settings, **sdk.settings})
        hold(sdk, name, request, connection, held)
    return held


def report(sdks: Iterable[Sdk], how_to_install: str) -> None:
    """Hold all, print a line for each and what differs, and end the process by 1 where something does."""
    wrong = 0
    for sdk in sdks:
        try:
            held = held_by(sdk)
        except ImportError as error:
            print(f"{sdk.provider}: left out, {error}: {how_to_install} {sdk.package}")
            continue
        unread = ", ".join(f"{count} {why}" for why, count in sorted(held.unread.items()))
        counted = f"{held.notices} notices in {held.requests} requests, {held.left_out} left out by us"
        counted += f", {held.unread.total()} unread ({unread})" if unread else ""
        print(f"{sdk.provider}: {counted}, as {sdk.package} has them", *held.differences, sep="\n  ", flush=True)
        wrong += len(held.differences)
    if wrong:
        sys.exit(f"{wrong} differences")


if __name__ == "__main__":
    report(SDKS, "pip install --target FOLDER")
