"""Map what our own account's server tells: events of the streaming API, fetched notifications and statuses.

docs.joinmastodon.org/methods/streaming, .../entities/Notification, .../entities/Status. The source (``stream``) posts
``{"event", "payload", "account", "answers", "people", "known"}``: the event's name and payload as the server sends them
(also as text, as a WebSocket has it), and beside it what the server told elsewhere: our own account, the status that
is answered, the URIs of those whom our status mentions, the status that a deletion names by a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, objects, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import iso_time
from cx_channels.provider import Unmapped
from cx_channels.social.mastodon.account import Account
from cx_channels.social.mastodon.files import media_type
from cx_channels.social.mastodon.kinds import IGNORED, ignored
from cx_channels.social.mastodon.status import Status, draft_act, draft_edit, draft_status, encode, lost
from cx_channels.social.mastodon.words import words_of
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.envelope import Attachment, Data
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.strict_json import decode_mended

_MOST = 50
_COUNTS = frozenset({
    "replies_count", "reblogs_count", "favourites_count", "quotes_count", "favourited", "reblogged", "muted",
    "bookmarked", "pinned", "filtered", "card", "emojis", "tags",
})  # fmt: skip
"""What differs from one time that a status is told to the next."""
_NOBODYS = "malformed: the status has no uri, or no account"
_OF_ACCOUNTS = ("id", "username", "acct", "display_name", "uri", "url", "bot")


def uri_of(account: Json) -> str:
    """Return an actor's URI; before Mastodon 4.2 only the profile's address is told."""
    return first(account.get("uri"), account.get("url"))


def kept_status(status: Json) -> Json:
    """Return a status without what changes by itself, and the profile of its author by its names alone."""
    kept = {name: each for name, each in status.items() if name not in _COUNTS}
    author = obj(status.get("account"))
    kept["account"] = {name: author[name] for name in _OF_ACCOUNTS if name in author}
    return kept


def map_event(account: Account, value: Json) -> Outcome:
    """Map one event of the stream, or what was fetched as one."""
    event = text(value.get("event"))
    if event not in EVENTS:
        return _unknown(f"stream/{event}", value)
    return EVENTS[event][0](account, value, payload_of(value))


def payload_of(value: Json) -> Json:
    """Return an event's payload, which a WebSocket carries as text; an empty object where it is none."""
    given = value.get("payload")
    if isinstance(given, str) and given.startswith("{"):
        try:
            given = decode_mended(given.encode())
        except (Refused, UnicodeEncodeError):
            return {}
    return obj(given)


def read_status(account: Account, given: Json, value: Json) -> Status:
    """Return a status as the API tells it. ``value``: with what the source knows beside it."""
    answers, people, own = obj(value.get("answers")), obj(value.get("people")), obj(value.get("account"))
    author, mentions = obj(given.get("account")), objects(given.get("mentions"))[:_MOST]
    uri, words, html = uri_of(author), *words_of(text(given.get("content")))
    ours = {text(each.get("id")) for each in mentions if account.is_ours(uri_of(each))}
    mine = account.is_ours(uri, text(author.get("url")))
    answered, parent = text(answers.get("account")), text(answers.get("uri"))
    choices = objects(obj(given.get("poll")).get("options"))[:_MOST]
    if choices:
        words, html = "\n\n".join((words, "\n".join(f"- {text(each.get('title'))}" for each in choices))).strip(), ""
    quote = obj(given.get("quote"))
    return Status(
        uri=first(given.get("uri"), given.get("url")), author=uri,
        name=first(author.get("display_name"), author.get("acct")), mine=mine, bot=author.get("bot") is True,
        direct=given.get("visibility") == "direct", words=words, html=html, subject=text(given.get("spoiler_text")),
        language=text(given.get("language"))[:40], url=text(given.get("url")),
        at=iso_time(text(given.get("created_at"))), edited=iso_time(text(given.get("edited_at"))), parent=parent,
        answers_us=account.is_ours(answered) or account.wrote(parent)
        or text(given.get("in_reply_to_account_id")) in ours - {""},
        answered=answered, names_us=bool(ours),
        named=[
            found
            for each in mentions
            if (found := first(own.get("uri") if text(each.get("id")) in ours else people.get(text(each.get("id"))),
                               uri_of(each)))
        ],
        quoted=text(obj(quote.get("quoted_status")).get("uri")),
        files=[_file(each) for each in objects(given.get("media_attachments"))[:_MOST]],
    )  # fmt: skip


def _file(given: Json) -> Attachment:
    """Return a file by the address at its own server, where told: the other is a copy that may go."""
    url = first(given.get("remote_url"), given.get("url"), given.get("preview_url"))
    kind = text(given.get("type"))
    return Attachment(name=text(given.get("description")), content_type=media_type("", kind, url), url=url)


def _raw(value: Json, status: Json) -> bytes:
    beside = {name: value[name] for name in ("answers", "people") if value.get(name)}
    return encode({"status": kept_status(status), **beside})


def _of_status(account: Account, value: Json, given: Json) -> Outcome:
    status = read_status(account, given, value)
    if not status.uri or not status.author:
        return lost(_NOBODYS, value)
    return draft_status(account, status, _raw(value, given))


def _update(account: Account, value: Json, given: Json) -> Outcome:
    author = obj(given.get("account"))
    if given.get("reblog"):
        return ignored("stream/update/boost")
    if not account.is_ours(uri_of(author), text(author.get("url"))):
        return ignored("stream/update/others")
    return _of_status(account, value, given)


def _edited(account: Account, value: Json, given: Json) -> Outcome:
    status = read_status(account, given, value)
    if not (status.mine or status.names_us):
        return ignored("stream/status.update/others")
    if not status.uri or not status.author:
        return lost(_NOBODYS, value)
    return draft_edit(account, status, _raw(value, given))


def _deleted(account: Account, value: Json, _given: Json) -> Outcome:
    known = obj(value.get("known"))
    uri, author = text(known.get("uri")), text(known.get("account"))
    if not uri or not author:
        return ignored("stream/delete/unknown")
    root = text(known.get("root"))
    id, raw = f"status/{id_part(uri)}/deleted", encode({"delete": value.get("payload"), "known": known})
    return draft_act(
        account, "cx.message.deleted.v1", id, uri, author, raw, Data(), name=text(known.get("name")),
        bot=known.get("bot") is True, root=root,
    )  # fmt: skip


def _notified(account: Account, value: Json, given: Json) -> Outcome:
    kind = text(given.get("type"))
    by, status = obj(given.get("account")), obj(given.get("status"))
    if kind not in NOTIFICATIONS:
        return _unknown(f"notification/{kind}", value) if kind else lost("malformed: it has no type", value)
    if f"notification/{kind}" in IGNORED:
        return ignored(f"notification/{kind}")
    if account.is_ours(uri_of(by), text(by.get("url"))):
        return ignored("notification/own")
    return _favourite(account, value, given, status) if kind == "favourite" else _of_status(account, value, status)


def _favourite(account: Account, value: Json, given: Json, status: Json) -> Outcome:
    by, uri = obj(given.get("account")), first(status.get("uri"), status.get("url"))
    actor = uri_of(by)
    if not uri or not actor:
        return lost("malformed: it names no status, or no account", value)
    kept = {name: by[name] for name in _OF_ACCOUNTS if name in by}
    raw = encode({"type": "favourite", "created_at": given.get("created_at"), "account": kept, "status": uri})
    return draft_act(
        account, "cx.message.reacted.v1", f"status/{id_part(uri)}/reaction/favourite/{id_part(actor)}", uri, actor, raw,
        Data(reaction="favourite"), name=first(by.get("display_name"), by.get("acct")), bot=by.get("bot") is True,
        time=iso_time(text(given.get("created_at"))),
    )  # fmt: skip


def _left_out(_account: Account, value: Json, _given: Json) -> Outcome:
    return ignored(f"stream/{text(value.get('event'))}")


def _unknown(kind: str, value: Json) -> Unmapped:
    raw = encode(value)
    return Unmapped(sha256_hex(raw)[:32], f"{UNKNOWN_KIND}: {kind[:64]!r}", raw)


Mapper = Callable[[Account, Json, Json], Outcome]
_OWN = "cx.social.post, cx.social.comment and cx.message.sent of ours"
EVENTS: Mapping[str, tuple[Mapper, str]] = {
    **{
        kind.removeprefix("stream/"): (_left_out, "")
        for kind in IGNORED
        if kind.startswith("stream/") and kind.count("/") == 1
    },
    "notification": (_notified, ""),
    "update": (_update, _OWN),
    "status.update": (_edited, "cx.message.edited"),
    "delete": (_deleted, "cx.message.deleted"),
}
MENTIONED = {
    "mention": "cx.social.mention, cx.social.comment, cx.message.received",
    "quote": "cx.social.mention",
    "favourite": "cx.message.reacted",
}
NOTIFICATIONS = frozenset(MENTIONED) | {
    kind.removeprefix("notification/") for kind in IGNORED if kind.startswith("notification/")
} - {"own"}
