"""Map activities that servers post to an inbox (ActivityPub), each signed by its actor's key.

www.w3.org/TR/activitypub, www.w3.org/TR/activitystreams-vocabulary, docs.joinmastodon.org/spec/activitypub. Names of
JSON-LD may be written as one value or as a list, a URL as an object with an id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, number, obj, objects, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import iso_time
from cx_channels.social.mastodon.account import Account, host_of, own_hosts
from cx_channels.social.mastodon.files import media_type
from cx_channels.social.mastodon.kinds import IGNORED, ignored
from cx_channels.social.mastodon.status import Status, draft_act, draft_edit, draft_status, encode, lost
from cx_channels.social.mastodon.words import words_of
from cx_events.envelope import Attachment
from cx_events.json_types import Json

PUBLIC = frozenset({"https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public"})
WORDS = frozenset(
    {"Note", "Question", "Article", "Page", "Image", "Audio", "Video", "Event", "Document", "ChatMessage"}
)
"""Objects that say something to people; Mastodon makes statuses of them."""
ACTORS = frozenset({"Person", "Service", "Application", "Group", "Organization"})
_MOST = 50
_UNKEPT = frozenset({"@context", "signature", "proof"})
"""What differs from one delivery to the next, or says nothing: ``signature`` (RsaSignature2017) is not checked."""

Mapper = Callable[[Account, Json], Iterator[Outcome]]


def id_of(value: Any) -> str:
    """Return the URI of a reference: text, an object with an id, or the first of a list of such."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return id_of(value[0]) if value and not isinstance(value[0], list) else ""
    return text(value.get("id")) if isinstance(value, dict) else ""


def ids_of(value: Any) -> list[str]:
    """Return the URIs of one reference or a list of them."""
    listed = value if isinstance(value, list) else [value]
    return [found for each in listed[:500] if not isinstance(each, list) and (found := id_of(each))]


def type_of(value: Json) -> str:
    """Return an object's type, the first that is known of several."""
    given = value.get("type")
    if not isinstance(given, list):
        return text(given)
    listed = [each for each in given if isinstance(each, str)]
    return next((each for each in listed if each in MAPPERS or each in WORDS), listed[0] if listed else "")


def actor_of(value: Json) -> str:
    """Return who is responsible for what was posted: the activity's actor, the author of a bare object, or an actor."""
    return first(id_of(value.get("actor")), id_of(value.get("attributedTo"))) or id_of(value)


def map_activity(account: Account, value: Json) -> Iterator[Outcome]:
    """Map one activity of a known type, once its ids are of its actor's own server: another one could name any."""
    actor, id = id_of(value.get("actor")), text(value.get("id"))
    if not host_of(actor):
        yield lost("malformed: it names no actor", value)
    elif id and host_of(id) != host_of(actor):
        yield lost("foreign-id: its id is of another server than its actor", value)
    else:
        yield from MAPPERS[type_of(value)](account, value)


def _raw(value: Json) -> bytes:
    return encode({name: each for name, each in value.items() if name not in _UNKEPT})


def _status_of(account: Account, value: Json, note: Json) -> Status | str:
    """Return the status of a Create or Update, or what is wrong with it."""
    actor, uri = id_of(value.get("actor")), text(note.get("id"))
    authors = ids_of(note.get("attributedTo"))
    if not uri:
        return "malformed: the object has no id"
    if host_of(uri) != host_of(actor):
        return "foreign-id: the object is of another server than its actor"
    if authors and actor not in authors:
        return "foreign-author: the object is somebody else's than its actor's"
    words, html = _content(note)
    tags = objects(note.get("tag"))[:_MOST] if isinstance(note.get("tag"), list) else [obj(note.get("tag"))]
    named = [href for each in tags if each.get("type") == "Mention" and (href := text(each.get("href")))]
    seen_by = [*ids_of(note.get("to")), *ids_of(note.get("cc"))] or [
        *ids_of(value.get("to")), *ids_of(value.get("cc"))
    ]  # fmt: skip
    told = named + [each for each in seen_by if account.is_ours(each) and each not in named]
    parent = id_of(note.get("inReplyTo"))
    return Status(
        uri=uri, author=actor, mine=account.is_ours(actor), direct=_is_direct(seen_by), words=words, html=html,
        subject=words_of(_told(note, "summary"))[0],
        language=_language(note), url=_page(note), at=_time(note, value, "published"),
        edited=_time(note, value, "updated"), parent=parent, answers_us=account.wrote(parent), named=told,
        names_us=any(map(account.is_ours, told)) if account.ours else bool(named), quoted=_quoted(note),
        conversation=first(note.get("conversation"), id_of(note.get("context")))[:500], files=_files(note),
    )  # fmt: skip


def _is_direct(seen_by: list[str]) -> bool:
    """Return whether only named accounts see it: neither the public nor somebody's followers.

    Nothing tells a collection of followers apart; every server's ends so.
    """
    return bool(seen_by) and not any(each in PUBLIC or each.endswith(("/followers", "/following")) for each in seen_by)


def _concerns_us(account: Account, status: Status) -> bool:
    return status.mine or status.names_us or status.answers_us or account.wrote(status.quoted) or status.direct


def _content(note: Json) -> tuple[str, str]:
    """Return the words with their HTML; of what is no note its name and page, too; of a poll its choices."""
    words, html = words_of(_told(note, "content"))
    kind = type_of(note)
    if kind not in ("Note", "Question", "ChatMessage"):
        name = _told(note, "name")
        words = "\n\n".join(each for each in (name, words, _page(note)) if each)
    choices = [*objects(note.get("oneOf")), *objects(note.get("anyOf"))][:_MOST]
    if choices:
        lines = "\n".join(f"- {text(each.get('name'))}" for each in choices)
        words, html = f"{words}\n\n{lines}".strip(), ""
    return words, html


def _told(note: Json, name: str) -> str:
    """Return a text, else the first of its natural language map."""
    told = text(note.get(name))
    if told:
        return told
    by_language = note.get(f"{name}Map")
    named = by_language.values() if isinstance(by_language, dict) else ()
    return next((each for each in named if each and isinstance(each, str)), "")


def _quoted(note: Json) -> str:
    for name in ("quote", "quoteUri", "quoteUrl", "_misskey_quote"):
        if name in note and (found := id_of(note[name])):
            return found
    return ""


def _language(note: Json) -> str:
    named = obj(note.get("contentMap"))
    return text(next(iter(named), ""))[:40] if len(named) == 1 else ""


def _page(note: Json) -> str:
    """Return the address of the page that shows a status: text, a Link, or the one of several that is HTML."""
    given = note.get("url")
    if given and isinstance(given, str):
        return given
    links = objects(given)
    pages = [each for each in links if text(each.get("mediaType")).startswith("text/html")]
    return first(given, obj(given).get("href"), *(each.get("href") for each in pages + links), id_of(given))


def _time(note: Json, value: Json, name: str) -> int | None:
    written = first(note.get(name), value.get(name) if name == "published" else "")
    # Some servers leave the zone out (recorded: Pleroma's ``closed``): all mean UTC.
    return iso_time(written) or (iso_time(f"{written}Z") if written else None)


def _files(note: Json) -> list[Attachment]:
    given = note.get("attachment")
    listed = objects(given) if isinstance(given, list) else [obj(given)] if isinstance(given, dict) else []
    return [found for each in listed[:_MOST] if (found := _file(each)) is not None]


def _file(given: Json) -> Attachment | None:
    links = given.get("url")
    link = next(iter(objects(links)), obj(links))
    url = first(links, link.get("href"), given.get("href"), id_of(links))
    if not url:
        return None
    size = number(given.get("size", link.get("size")))
    return Attachment(
        name=first(given.get("name"), given.get("summary"), given.get("content")), url=url,
        content_type=media_type(first(given.get("mediaType"), link.get("mediaType")), text(given.get("type")), url),
        bytes=int(size) if size is not None and size >= 0 and size == int(size) else None,
    )  # fmt: skip


def _created(account: Account, value: Json) -> Iterator[Outcome]:
    note = value.get("object")
    if not isinstance(note, dict):
        yield lost("not-embedded: it names its object, which is not here", value)
        return
    if type_of(note) not in WORDS:
        yield ignored("Create/object")
    elif note.get("name") and not _told(note, "content") and type_of(note) == "Note" and note.get("inReplyTo"):
        yield ignored("Create/vote")  # a vote is a Note with the name of a choice (docs, "Question")
    else:
        status = _status_of(account, value, note)
        if isinstance(status, str):
            yield lost(status, value)
        elif not _concerns_us(account, status):
            yield ignored("Create/others")
        else:
            yield draft_status(account, status, _raw(value))


def _updated(account: Account, value: Json) -> Iterator[Outcome]:
    note = obj(value.get("object"))
    if type_of(note) not in WORDS:
        yield ignored("Update/object")
        return
    status = _status_of(account, value, note)
    if isinstance(status, str):
        yield lost(status, value)
    elif status.edited is None:
        yield ignored("Update/poll")
    elif not _concerns_us(account, status):
        yield ignored("Update/others")
    else:
        yield draft_edit(account, status, _raw(value))


def _deleted(account: Account, value: Json) -> Iterator[Outcome]:
    """Map that a status is gone. What has no type may be an actor: then it is the activity's own."""
    actor, uri = id_of(value.get("actor")), id_of(value.get("object"))
    if uri == actor or type_of(obj(value.get("object"))) in ACTORS:
        yield ignored("Delete/actor")
    elif not uri:
        yield lost("malformed: it names no object", value)
    elif host_of(uri) != host_of(actor):
        yield lost("foreign-id: the object is of another server than its actor", value)
    else:
        at = iso_time(first(obj(value.get("object")).get("deleted"), value.get("published")))
        id = f"status/{id_part(uri)}/deleted"
        yield draft_act(account, "cx.message.deleted.v1", id, uri, actor, _raw(value), time=at)


def _reacted(account: Account, value: Json) -> Iterator[Outcome]:
    """Map a favourite, or an emoji where a server sends one (Misskey, Pleroma: in ``content``)."""
    yield from _reaction(account, value, value, "")


def _reaction(account: Account, value: Json, of: Json, undone: str) -> Iterator[Outcome]:
    """Map a reaction: ``of`` is ``value`` itself, or what it takes back; ``undone``: what tells that apart."""
    actor, uri = id_of(value.get("actor")), id_of(of.get("object"))
    if not host_of(uri):
        yield lost("malformed: it names no status", value)
        return
    hosts = account.connection.once(own_hosts)
    if account.is_ours(actor) or (hosts and host_of(uri) not in hosts):
        yield ignored("Like/others")
        return
    plain = "dislike" if type_of(of) == "Dislike" else "favourite"
    given = first(of.get("content"), of.get("_misskey_reaction"))[:100] or plain
    at = iso_time(text(value.get("published")))
    id = f"status/{id_part(uri)}/reaction/{id_part(given)}/{id_part(actor)}{undone}"
    yield draft_act(
        account, "cx.message.reacted.v1", id, uri, actor, _raw(value), time=at,
        reaction="" if undone else given, reason="unreact" if undone else "",
    )  # fmt: skip


def _undone(account: Account, value: Json) -> Iterator[Outcome]:
    of = value.get("object")
    if not isinstance(of, dict):
        yield lost("not-embedded: it names what it takes back, which is not here", value)
        return
    if type_of(of) not in REACTIONS:
        yield ignored("Undo/others")
        return
    if of.get("actor") and id_of(of.get("actor")) != id_of(value.get("actor")):
        yield lost("foreign-author: it takes back what somebody else did", value)
        return
    own = first(value.get("id"), of.get("id")) or _raw(value).decode("utf-8", "replace")
    yield from _reaction(account, value, of, f"/undone/{sha256_hex(own.encode('utf-8', 'replace'))[:16]}")


def _left_out(account: Account, value: Json) -> Iterator[Outcome]:
    yield ignored(type_of(value))


REACTIONS = frozenset({"Like", "EmojiReact", "EmojiReaction", "Dislike"})

_TOLD = "cx.social.mention, cx.social.comment, cx.message.received; of ours cx.social.post, cx.message.sent"
MAPPED: Mapping[str, tuple[Mapper, str]] = {
    "Create": (_created, _TOLD),
    "Update": (_updated, "cx.message.edited"),
    "Delete": (_deleted, "cx.message.deleted"),
    **dict.fromkeys(sorted(REACTIONS), (_reacted, "cx.message.reacted")),
    "Undo": (_undone, "cx.message.reacted without a reaction"),
}
MAPPERS: Mapping[str, Mapper] = {
    **{kind: _left_out for kind in IGNORED if "/" not in kind},
    **{kind: mapper for kind, (mapper, _) in MAPPED.items()},
}
