"""Read the words and files of a message.

learn.microsoft.com/microsoftteams/platform/bots/how-to/bots-filesv4 and
.../conversations/channel-and-group-conversations ("Work with mentions"). A formatted message comes as flattened text
and, as an attachment, as HTML: that is no file.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import msgspec

from cx_channels.chat.msteams.activity import Activity
from cx_channels.chat.msteams.cards import is_card, words_of_card
from cx_channels.kit.json_values import first, obj, objects, text
from cx_channels.kit.mail.message.html import safe_html, text_of
from cx_events.envelope import Attachment, Message
from cx_events.json_types import Json

_AT = re.compile(r"<at(?: id=\"[^\"<>]{0,40}\")?>([^<>]{0,400})</at>")
_QUOTED = re.compile(
    r"<blockquote [^<>]{0,400}\bitemid=\"([^\"<>]{1,100})\"[^<>]{0,400}>(.{0,8000}?)</blockquote>", re.DOTALL
)
_PLACE_OF_QUOTE = re.compile(r"<quoted messageId=\"[^\"<>]{1,100}\" ?/>\s*")
"""Where a quote stands among the words; an entity tells which message it is."""
_DOWNLOAD = "application/vnd.microsoft.teams.file.download.info"
_HTML = "text/html"
_MOST, _LONGEST = 50, 128 << 10


def _words(activity: Activity, html: str, quoted: str) -> str:
    """Return what a message says: its text without the mention of the bot; else its HTML; else what was filled in;
    else what its cards show. ``quoted``: the HTML of what it quotes."""
    value = activity.value
    written = text(value.get("text"))
    if "<quoted" in written:
        written = _PLACE_OF_QUOTE.sub("", written)
    if written.strip():
        return _plain(activity, _without_quoted(written, quoted) if quoted else written, text(value.get("textFormat")))
    shown = _plain(activity, html, "xml") if html else ""
    return shown or filled_in(value.get("value")) or words_of_cards(value)


def words_of_cards(value: Json) -> str:
    """Return what the cards of a message show, one after the other."""
    cards = filter(is_card, objects(value.get("attachments"))[:_MOST])
    return "\n\n".join(filter(None, (words_of_card(each.get("content")) for each in cards)))


def _without_quoted(written: str, quoted: str) -> str:
    """Return words without those that they quote: older clients put the quoted ones before them, flattened."""
    before = "".join(text_of(quoted).split())
    if not before or not "".join(written.split()).startswith(before):
        return written
    end, left = 0, len(before)
    while left:
        left -= not written[end].isspace()
        end += 1
    return written[end:] if written[end:].strip() else written


def filled_in(value: Any) -> str:
    """Return what somebody chose or filled in on a card: its words where it has some, else all of it as JSON."""
    given = obj(value)
    action = obj(given.get("action"))
    data = given.get("data", action.get("data", value))
    told = first(given.get("title"), action.get("title"), action.get("verb"), data, obj(data).get("text"))
    return told if told or not data else msgspec.json.encode(data).decode()


def _plain(activity: Activity, written: str, form: str) -> str:
    if "<at" in written:
        written = _AT.sub(lambda found: _mentioned(activity, found), written)
    if form == "xml" or "<p" in written or "<br" in written:
        written = text_of(written)
    elif "&" in written and form != "plain":
        written = unescape(written)
    return written.replace("\xa0", " ").strip()


def _mentioned(activity: Activity, found: re.Match[str]) -> str:
    """Return the name in a mention; nothing of the bot's own, which is how one speaks to it."""
    for each in objects(activity.value.get("entities"))[:_MOST]:
        about = obj(each.get("mentioned"))
        if each.get("type") == "mention" and text(each.get("text")) == found[0]:
            return "" if text(about.get("id")) == activity.bot else f"@{found[1]}"
    named = text(obj(activity.value.get("recipient")).get("name"))
    return "" if found[1] and found[1] == named else f"@{found[1]}"


def html_of(value: Json) -> str:
    """Return the HTML form of a message, "" where there is none."""
    for each in objects(value.get("attachments"))[:_MOST]:
        if text(each.get("contentType")) == _HTML and isinstance(each.get("content"), str):
            return str(each["content"])[:_LONGEST]
    return ""


def files_of(value: Json) -> list[Attachment]:
    """Return a message's files and pictures; cards that show words, and the message's own HTML, are none."""
    listed = objects(value.get("attachments"))[:_MOST]
    return [_file(each) for each in listed if not _is_shown(each)] if listed else []


def _is_shown(given: Json) -> bool:
    if is_card(given):
        return bool(words_of_card(given.get("content")))
    return text(given.get("contentType")).startswith(_HTML)


def _file(given: Json) -> Attachment:
    content, kind = obj(given.get("content")), text(given.get("contentType"))
    name = text(given.get("name"))
    if kind == _DOWNLOAD:
        ending = text(content.get("fileType"))
        name = name or f"{text(content.get('uniqueId'))}.{ending}"
        return Attachment(name=name, url=first(content.get("downloadUrl"), given.get("contentUrl")))
    return Attachment(name=name, content_type="" if kind.endswith("/*") else kind, url=text(given.get("contentUrl")))


def answered_by(activity: Activity) -> str:
    """Return the id of the message that one answers: the one that it quotes, else what it replies to, else the first
    of its thread."""
    return _answered(activity, _quote_in(html_of(activity.value))[0], _quote_of(activity))


def _answered(activity: Activity, in_html: str, quote: Json) -> str:
    thread = activity.conversation.partition(";messageid=")[2]
    replied = first(quote.get("messageId"), in_html, activity.value.get("replyToId"), thread)
    return activity.message_id(replied) if replied != activity.id else ""


def _quote_in(html: str) -> tuple[str, str]:
    """Return the id of the message that another quotes, and its HTML; "" and "" where it quotes none."""
    found = _QUOTED.search(html) if "<blockquote " in html else None
    return (found[1], found[2]) if found else ("", "")


def _quote_of(activity: Activity) -> Json:
    """Return what a message quotes: ``{"messageId", "preview", "isReplyDeleted", ...}`` of an entity ``quotedReply``
    (learn.microsoft.com/dotnet/api/microsoft.teams.apps.schema.entities.quotedreplydata), the first where it quotes
    several. Older messages have a ``blockquote`` in their HTML instead."""
    for each in objects(activity.value.get("entities"))[:_MOST]:
        if each.get("type") == "quotedReply":
            return obj(each.get("quotedReply"))
    return {}


def message_of(activity: Activity, id: str) -> Message:
    """Return a message's content. ``id``: the activity's."""
    html, quote = html_of(activity.value), _quote_of(activity)
    answered, quoted = _quote_in(html)
    words = _words(activity, html, quoted)
    return Message(
        id=activity.message_id(id),
        text=words,
        content_type="text/plain" if words else "",
        html=safe_html(html) if html else "",
        language=text(activity.value.get("locale"))[:40],
        in_reply_to=_answered(activity, answered, quote),
        quoted=text(quote.get("preview")),
        attachments=files_of(activity.value),
    )
