"""Map activities that servers post to an inbox (ActivityPub), each signed by its actor's key.

www.w3.org/TR/activitypub, www.w3.org/TR/activitystreams-vocabulary, docs.joinmastodon.org/spec/activitypub. Names of
JSON-LD may be written as one value or as a list, a URL as an object with an id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, number, obj, objects, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import iso_time
from cx_channels.provider import Unmapped
from cx_channels.social.mastodon.account import Account, host_of, own_hosts
from cx_channels.social.mastodon.files import media_type
from cx_channels.social.mastodon.kinds import IGNORED, ignored
from cx_channels.social.mastodon.status import Status, draft_act, draft_edit, draft_status, encode, lost
from cx_channels.social.mastodon.words import words_of
from cx_events.envelope import Attachment, Data
from cx_events.json_types import Json

PUBLIC = frozenset({"https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public"})
WORDS = frozenset(
    {"Note", "Question", "Article", "Page", "Image", "Audio", "Video", "Event", "Document", "ChatMessage"}
)
"""Objects that say something to people; Mastodon makes statuses of them."""
ACTORS = frozenset({"Person", "Service", "Application", "Group", "Organization"})
_COLLECTIONS = ("/followers", "/following")
_MOST, _MOST_IDS = 50, 500
_UNKEPT = frozenset({"@context", "signature", "proof"})
"""What differs from one delivery to the next, or says nothing: ``signature`` (RsaSignature2017) is not checked."""


class Activity(Struct, gc=False):
    """One activity. ``actor``: the URI of who did it, ``host``: the server that the actor is of."""

    account: Account
    value: Json
    actor: str
    host: str

    def is_foreign(self, uri: str) -> bool:
        """Return whether a URI is of another server than the actor."""
        return not uri.startswith(f"https://{self.host}/") and host_of(uri) != self.host

    def raw(self) -> bytes:
        """Return what an event keeps of it."""
        return encode({name: each for name, each in self.value.items() if name not in _UNKEPT})

    def lost(self, why: str) -> Unmapped:
        """Return the dead letter of this activity."""
        return lost(why, self.value)


Mapper = Callable[[Activity], Outcome]


def id_of(value: Any) -> str:
    """Return the URI of a reference: text, an object with an id, or the first of a list of such."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return id_of(value[0]) if value and not isinstance(value[0], list) else ""
    return text(value.get("id")) if isinstance(value, dict) else ""


def ids_of(value: Any) -> list[str]:
    """Return the URIs of one reference or a list of them."""
    found: list[str] = []
    for each in value[:_MOST_IDS] if isinstance(value, list) else (value,):
        id = each if isinstance(each, str) else "" if isinstance(each, list) else id_of(each)
        if id:
            found.append(id)
    return found


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


def map_activity(account: Account, value: Json, kind: str) -> Outcome:
    """Map one activity of a known type, once its ids are of its actor's own server: another one could name any."""
    actor, id = id_of(value.get("actor")), text(value.get("id"))
    activity = Activity(account, value, actor, host_of(actor))
    if not activity.host:
        return activity.lost("malformed: it names no actor")
    if id and activity.is_foreign(id):
        return activity.lost("foreign-id: its id is of another server than its actor")
    return MAPPERS[kind](activity)


def _status_of(activity: Activity, note: Json, kind: str) -> Status | str:
    """Return the status of a Create or Update, or what is wrong with it. ``kind``: the note's type."""
    account, value, actor = activity.account, activity.value, activity.actor
    uri, author = text(note.get("id")), note.get("attributedTo")
    if not uri:
        return "malformed: the object has no id"
    if activity.is_foreign(uri):
        return "foreign-id: the object is of another server than its actor"
    if author != actor and (authors := ids_of(author)) and actor not in authors:
        return "foreign-author: the object is somebody else's than its actor's"
    words, html = _content(note, kind)
    summary, given = _told(note, "summary"), note.get("tag")
    tags = objects(given)[:_MOST] if isinstance(given, list) else [obj(given)]
    named = [href for each in tags if each.get("type") == "Mention" and (href := text(each.get("href")))]
    seen_by = [*ids_of(note.get("to")), *ids_of(note.get("cc"))] or [
        *ids_of(value.get("to")), *ids_of(value.get("cc"))
    ]  # fmt: skip
    told = named + [each for each in seen_by if each.rstrip("/") in account.ours and each not in named]
    parent = id_of(note.get("inReplyTo"))
    return Status(
        uri=uri, author=actor, host=activity.host, mine=account.is_ours(actor), direct=_is_direct(seen_by), words=words,
        html=html, subject=words_of(summary)[0] if summary else "", language=_language(note), url=_page(note),
        at=_time(note, value, "published"), edited=_time(note, value, "updated"), parent=parent,
        answers_us=account.wrote(parent), named=told,
        names_us=any(map(account.is_ours, told)) if account.ours else bool(named), quoted=_quoted(note),
        conversation=first(note.get("conversation"), id_of(note.get("context")))[:500], files=_files(note),
    )  # fmt: skip


def _is_direct(seen_by: list[str]) -> bool:
    """Return whether only named accounts see it: neither the public nor somebody's followers.

    Nothing tells a collection of followers apart; every server's ends so.
    """
    for each in seen_by:
        if each in PUBLIC or each.endswith(_COLLECTIONS):
            return False
    return bool(seen_by)


def _concerns_us(account: Account, status: Status) -> bool:
    return status.mine or status.names_us or status.answers_us or account.wrote(status.quoted) or status.direct


def _content(note: Json, kind: str) -> tuple[str, str]:
    """Return the words with their HTML; of what is no note its name and page, too; of a poll its choices."""
    words, html = words_of(_told(note, "content"))
    if kind not in ("Note", "Question", "ChatMessage"):
        name = _told(note, "name")
        words = "\n\n".join(each for each in (name, words, _page(note)) if each)
    if "oneOf" in note or "anyOf" in note:
        choices = [*objects(note.get("oneOf")), *objects(note.get("anyOf"))][:_MOST]
        lines = "\n".join(f"- {text(each.get('name'))}" for each in choices)
        return (f"{words}\n\n{lines}".strip(), "") if choices else (words, html)
    return words, html


def _told(note: Json, name: str) -> str:
    """Return a text, else the first of its natural language map."""
    told = text(note.get(name))
    if told:
        return told
    by_language = note.get(f"{name}Map")
    if not isinstance(by_language, dict):
        return ""
    return next((each for each in by_language.values() if each and isinstance(each, str)), "")


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


def _created(activity: Activity) -> Outcome:
    note = activity.value.get("object")
    if not isinstance(note, dict):
        return activity.lost("not-embedded: it names its object, which is not here")
    kind = type_of(note)
    if kind not in WORDS:
        return ignored("Create/object")
    if note.get("name") and kind == "Note" and note.get("inReplyTo") and not _told(note, "content"):
        return ignored("Create/vote")  # a vote is a Note with the name of a choice (docs, "Question")
    status = _status_of(activity, note, kind)
    if isinstance(status, str):
        return activity.lost(status)
    if not _concerns_us(activity.account, status):
        return ignored("Create/others")
    return draft_status(activity.account, status, activity.raw())


def _updated(activity: Activity) -> Outcome:
    note = obj(activity.value.get("object"))
    kind = type_of(note)
    if kind not in WORDS:
        return ignored("Update/object")
    status = _status_of(activity, note, kind)
    if isinstance(status, str):
        return activity.lost(status)
    if status.edited is None:
        return ignored("Update/poll")
    if not _concerns_us(activity.account, status):
        return ignored("Update/others")
    return draft_edit(activity.account, status, activity.raw())


def _deleted(activity: Activity) -> Outcome:
    """Map that a status is gone. What has no type may be an actor: then it is the activity's own."""
    actor, value = activity.actor, activity.value
    gone = value.get("object")
    uri = id_of(gone)
    if uri == actor or type_of(obj(gone)) in ACTORS:
        return ignored("Delete/actor")
    if not uri:
        return activity.lost("malformed: it names no object")
    if activity.is_foreign(uri):
        return activity.lost("foreign-id: the object is of another server than its actor")
    at = iso_time(first(obj(gone).get("deleted"), value.get("published")))
    id = f"status/{id_part(uri)}/deleted"
    return draft_act(
        activity.account, "cx.message.deleted.v1", id, uri, actor, activity.raw(), Data(), time=at, host=activity.host
    )  # fmt: skip


def _reacted(activity: Activity) -> Outcome:
    """Map a favourite, or an emoji where a server sends one (Misskey, Pleroma: in ``content``)."""
    return _reaction(activity, activity.value, "")


def _reaction(activity: Activity, of: Json, undone: str) -> Outcome:
    """Map a reaction: ``of`` is the activity itself, or what it takes back; ``undone``: what tells that apart."""
    account, actor, uri = activity.account, activity.actor, id_of(of.get("object"))
    host = host_of(uri)
    if not host:
        return activity.lost("malformed: it names no status")
    hosts = account.connection.once(own_hosts)
    if account.is_ours(actor) or (hosts and host not in hosts):
        return ignored("Like/others")
    plain = "dislike" if type_of(of) == "Dislike" else "favourite"
    given = first(of.get("content"), of.get("_misskey_reaction"))[:100] or plain
    at = iso_time(text(activity.value.get("published")))
    id = f"status/{id_part(uri)}/reaction/{id_part(given)}/{id_part(actor)}{undone}"
    data = Data(reason="unreact") if undone else Data(reaction=given)
    return draft_act(
        account, "cx.message.reacted.v1", id, uri, actor, activity.raw(), data, time=at, host=activity.host
    )  # fmt: skip


def _undone(activity: Activity) -> Outcome:
    value = activity.value
    of = value.get("object")
    if not isinstance(of, dict):
        return activity.lost("not-embedded: it names what it takes back, which is not here")
    if type_of(of) not in REACTIONS:
        return ignored("Undo/others")
    if of.get("actor") and id_of(of.get("actor")) != activity.actor:
        return activity.lost("foreign-author: it takes back what somebody else did")
    own = first(value.get("id"), of.get("id")) or activity.raw().decode("utf-8", "replace")
    return _reaction(activity, of, f"/undone/{sha256_hex(own.encode('utf-8', 'replace'))[:16]}")


def _left_out(activity: Activity) -> Outcome:
    return ignored(type_of(activity.value))


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
