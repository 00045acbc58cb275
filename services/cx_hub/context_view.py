"""Tell a context in words, as an agent would want to hear it in the seconds before "hello"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from cx_events.facts import HUB_SOURCE
from cx_events.json_types import Json

WIDTH = 11
MESSAGES = 4


def print_context(out: Console, document: Json) -> None:
    """A whole context document, ``{meta, body}``."""
    meta = document.get("meta", {})
    contact = meta.get("contact")
    if contact:
        out.print(_line("asked by", f"{contact['interaction']} · {render_certainty(contact['assurance'])}"))
    for label, text in told(document["body"]):
        out.print(_line(label, text))
    out.print(_line("version", f"{meta.get('version')}, current to {meta.get('current_to')}"))


def told(body: Json) -> Iterator[tuple[str, str]]:
    """Pairs of a label and a sentence."""
    customer = body["customer"]
    yield "who", f"{customer['display']} · customer {customer['id']}"
    for identifier in customer["identifiers"]:
        yield "known by", _identifier(identifier)
    now = body.get("now")
    if now:
        waits = f", waiting since {_clock(now['waiting_since'])}" if now.get("waiting_since") else ""
        yield "now", f"on {now['channel']} ({now['interaction']}){waits}"
        if now.get("assurance"):
            yield "how sure", render_certainty(now["assurance"])
    for conversation in body["conversations"]:
        yield from render_conversation(conversation)
    yield "counts", render_counts(body["counts"])


def render_conversation(conversation: Json) -> Iterator[tuple[str, str]]:
    """Render one conversation over all channels."""
    about = ", ".join(f"{each['kind']} {each['value']}" for each in conversation["references"])
    topic = " · ".join(part for part in (conversation["topic"], about) if part) or "no topic yet"
    yield conversation["state"], f"{topic} · over {', '.join(conversation['channels'])} · thread {conversation['id']}"
    for message in reversed(conversation["messages"][:MESSAGES]):
        files = [f"[{file['name'] or file['content_type'] or 'a file'}]" for file in message.get("attachments", [])]
        yield "said", " ".join((f"{message['channel']} · {message['role']}: {message['text']}", *files))
    bot = conversation.get("bot")
    if bot:
        for turn in bot["trail"]:
            yield "tried", f"bot [{turn['intent'] or '-'}] {turn['text'] or ''}"
        if bot["slots"]:
            yield "learned", ", ".join(f"{name} = {value}" for name, value in bot["slots"].items())
    for proof in conversation.get("verified", [])[:MESSAGES]:
        yield "proved", _proof(proof)
    for note in conversation["notes"]:
        yield "note", f"{note['agent'] or 'somebody'}: {note['text']}"
    yield from render_joins(conversation)


def render_joins(conversation: Json) -> Iterator[tuple[str, str]]:
    """Why each contact is in this thread."""
    for joined in conversation["joined"]:
        why = "began it" if joined["rule"] == "first" else f"by {joined['rule']}, {joined['evidence']}"
        yield "joined", f"{joined['interaction']} · {why}"


def render_counts(counts: Json) -> str:
    channels = ", ".join(f"{channel} {count}" for channel, count in counts["by_channel"].items())
    contacts = f"{counts['interactions']} contact{'s' * (counts['interactions'] != 1)}"
    return f"{contacts}, {counts['events']} event{'s' * (counts['events'] != 1)} ({channels})"


def print_pairs(out: Console, pairs: Iterable[tuple[str, str]]) -> None:
    before = ""
    for label, text in pairs:
        out.print(_line("" if label == before else label, text), no_wrap=True, overflow="ellipsis")
        before = label


def _identifier(identifier: Json) -> str:
    scope = f" (of {identifier['scope']})" if identifier.get("scope") else ""
    joined = identifier.get("joined")
    verified = ", verified" if identifier.get("verified_at") else ""
    why = f" · joined by {joined['rule']}: {_event(joined['evidence'])}" if joined else ""
    if identifier.get("claimed"):
        why += " · only claimed"
    return f"{identifier['kind']} {identifier['value']}{scope}{verified}{why}"


def render_certainty(assurance: Json) -> str:
    """Render how sure it is who is at the other end of a contact; expiry is judged by the reader's clock."""
    named = assurance["identifier"]
    who = f"{named['kind']} {named['value']}" if named else ""
    match assurance["level"]:
        case "proved":
            return f"proved by {assurance['by']} until {_minute(assurance['expires_at'])}: {who}"
        case "asserted":
            return f"asserted by {assurance['by']}: {who}"
        case "claimed" if assurance["expires_at"]:
            return f"claimed: {who}; the proof by {assurance['by']} expired at {_minute(assurance['expires_at'])}"
        case "claimed":
            return f"claimed: {who}; nobody has checked it"
        case _:
            return "nobody is named"


def _proof(proof: Json) -> str:
    return f"{proof['kind']} {proof['value']} by {proof['method']} at {_clock(proof['at'])}"


def _event(name: str) -> str:
    """``SOURCE#ID``; without the source where that is the hub's own, whose ids name the connection."""
    source, _, id = name.partition("#")
    return id if source.startswith(HUB_SOURCE) else name


def _minute(time: str) -> str:
    return f"{time[:16]}Z"


def _clock(time: str) -> str:
    return time[11:19]


def _line(label: str, text: str) -> Text:
    return Text.assemble((f"{label:>{WIDTH}}  ", "dim"), " ".join(text.split()))
