"""Read one status, whichever door told it, and draft its events.

Ids are made of the status's URI, which both doors tell: the same status is the same event. A thread of the public is
known by the status that is answered, private messages by the other account, since only one door tells more.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from cx_channels.kit.drafts import complete_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Unmapped
from cx_channels.social.mastodon.account import Account
from cx_events.envelope import Attachment, Data, Draft, Message, Participant, Reference
from cx_events.json_types import Json
from cx_events.timestamps import Micros

encode = msgspec.json.Encoder().encode
_SECOND = 1_000_000


class Status(Struct, gc=False):
    """``author``: the actor's URI, ``host``: of its server, where known; ``mine``: it is one of ours. ``parent``: the
    URI of what it answers, ``answers_us``: that is ours, ``answered``: whose it is, where known. ``named``: URIs of the
    accounts that it mentions. ``conversation``: what all of a thread share, where it is told. ``edited``: when it was,
    or None."""

    uri: str
    author: str
    host: str = ""
    name: str = ""
    mine: bool = False
    bot: bool = False
    direct: bool = False
    words: str = ""
    html: str = ""
    subject: str = ""
    language: str = ""
    url: str = ""
    at: Micros | None = None
    edited: Micros | None = None
    parent: str = ""
    answers_us: bool = False
    answered: str = ""
    names_us: bool = False
    named: list[str] = []
    quoted: str = ""
    conversation: str = ""
    files: list[Attachment] = []


def draft_status(account: Account, status: Status, raw: bytes) -> Draft:
    """Draft that a status was written."""
    if status.direct:
        event_type = "cx.message.sent.v1" if status.mine else "cx.message.received.v1"
    elif status.mine:
        event_type = "cx.social.comment.v1" if status.parent and not status.answers_us else "cx.social.post.v1"
    else:
        event_type = "cx.social.comment.v1" if status.answers_us else "cx.social.mention.v1"
    return _draft(account, event_type, f"status/{id_part(status.uri)}", status, raw, status.at)


def draft_edit(account: Account, status: Status, raw: bytes) -> Draft:
    """Draft that a status was edited. Both doors tell when; they share the second, the API has milliseconds, too."""
    moment = "" if status.edited is None else str(status.edited // _SECOND)
    id = f"status/{id_part(status.uri)}/edited/{moment or sha256_hex(raw)[:16]}"
    return _draft(account, "cx.message.edited.v1", id, status, raw, status.edited or status.at)


def _draft(account: Account, event_type: str, id: str, status: Status, raw: bytes, at: Micros | None) -> Draft:
    message = Message(
        id=status.uri, text=status.words, content_type="text/plain" if status.words else "", html=status.html,
        subject=status.subject, language=status.language, in_reply_to=status.parent, attachments=status.files,
    )  # fmt: skip
    about = [Reference(kind="message", value=status.quoted)] if status.quoted else []
    if status.conversation:
        about.append(Reference(kind="thread", value=status.conversation))
    data = Data(
        direction="outbound" if status.mine else "inbound", participants=_people(account, status), message=message,
        references=about, url=status.url,
    )  # fmt: skip
    return complete_draft(account.connection, "social", event_type, id, data, raw, root_of(status, account), at)


def _people(account: Account, status: Status) -> list[Participant]:
    if not status.mine:
        people = [account.person(status.author, status.name, bot=status.bot, host=status.host)]
        for each in status.named:
            if account.is_ours(each):
                people.append(account.business(each))
                break
        return people
    other = _other(account, status)
    return [*([account.person(other, "")] if other else []), account.business(status.author)]


def _other(account: Account, status: Status) -> str:
    """Return whom one of our statuses is for: whose it answers, else who is mentioned first."""
    if status.answered and not account.is_ours(status.answered):
        return status.answered
    return next((each for each in status.named if not account.is_ours(each)), "")


def root_of(status: Status, account: Account) -> str:
    """Return what tells the interaction within the connection."""
    if status.direct:
        other = _other(account, status) if status.mine else status.author
        return f"direct/{id_part(other or status.uri)}"
    return f"status/{id_part(status.parent or status.uri)}"


def draft_act(
    account: Account, event_type: str, id: str, uri: str, actor: str, raw: bytes, data: Data, *, name: str = "",
    bot: bool = False, host: str = "", root: str = "", time: Micros | None = None,
) -> Draft:  # fmt: skip
    """Draft what somebody did to a status: deleted it, or reacted to it. ``data``: what only this event has. ``host``:
    the actor's, ``root``: of the status's thread, where known."""
    mine = account.is_ours(actor)
    person = account.business(actor) if mine else account.person(actor, name, bot=bot, host=host)
    data.direction, data.participants = "outbound" if mine else "inbound", [person]
    data.message = Message(id=uri)
    return complete_draft(
        account.connection, "social", event_type, id, data, raw, root or f"status/{id_part(uri)}", time
    )  # fmt: skip


def lost(why: str, given: Json) -> Unmapped:
    """Return the dead letter of what should have been an event."""
    raw = encode(given)
    return Unmapped(sha256_hex(raw)[:32], why, raw)
