"""Say a context in plain words, bounded, with the source of what is said.

Pure: JSON as the API answers it in, lines out. Every foreign text is quoted (``customer_words``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cx_events.json_types import Json
from cx_mcp.customer_words import quoted

CONVERSATIONS = 5
MESSAGES = 6
TIMELINE = 15
LISTED = 10


def context_lines(meta: Json, body: Json) -> list[str]:
    """Return a whole context as lines: who, how sure, why now, what not to ask again, conversations, history."""
    lines = [*customer_lines(body["customer"]), *_contact_lines(meta), *_now_lines(body["now"])]
    conversations = body["conversations"]
    for conversation in conversations[:CONVERSATIONS]:
        lines += ["", *conversation_lines(conversation)]
    if len(conversations) > CONVERSATIONS:
        lines.append(f"({len(conversations) - CONVERSATIONS} more conversations.)")
    if body["unresolved"]:
        lines += ["", "Not answered yet:"]
        lines += [
            f"- since {each['since']}, conversation {each['conversation']}: {_words(each['text'])}"
            for each in body["unresolved"][:LISTED]
        ]
    lines += ["", "History, newest first:", *(entry_line(entry) for entry in body["timeline"][:TIMELINE])]
    return lines


def customer_lines(customer: Json) -> list[str]:
    """Return who the customer is."""
    lines = [f"Customer {customer['id']}, called {_words(customer['display'])}."]
    for identifier in customer["identifiers"][:LISTED]:
        sure = "only claimed" if identifier["claimed"] else "known"
        if identifier["verified_at"]:
            sure = f"verified {identifier['verified_at']} by {quoted(str(identifier['verified_by']))}"
        lines.append(f"- {identifier['kind']} {quoted(identifier['value'])}: {sure}")
    attributes = _pairs(customer["attributes"])
    if attributes:
        lines.append(f"Attributes: {attributes}.")
    refused = [str(each.get("purpose")) for each in customer["consent"] if not each.get("granted", True)]
    if refused:
        lines.append(f"Consent refused: {_list(refused)}.")
    return lines


def conversation_lines(conversation: Json) -> list[str]:
    """Return one conversation: where it stands, what the bot learned, the last messages."""
    topic = f", topic {quoted(conversation['topic'])}" if conversation["topic"] else ""
    lines = [
        f"Conversation {conversation['id']}: {conversation['state']}{topic}, "
        f"over {', '.join(conversation['channels'])}, "
        f"opened {conversation['opened_at']}, last active {conversation['last_at']}."
    ]
    if conversation["summary"]:
        lines.append(f"About: {quoted(conversation['summary'])}.")
    if conversation["waiting_since"]:
        lines.append(f"The customer waits since {conversation['waiting_since']}.")
    bot = conversation["bot"]
    if bot:
        known = _pairs(bot["slots"])
        if known:
            lines.append(f"Known already, don't ask again: {known}.")
        tried = [turn["text"] for turn in bot["trail"] if turn["text"]]
        if tried:
            lines.append(f"The bot said: {_list(tried[-MESSAGES:])}.")
    lines += handoff_lines(conversation["handoff"])
    for other in conversation["other_handoffs"][:LISTED]:
        lines += handoff_lines(other)
    lines += note_lines(conversation["notes"])
    lines += [_message_line(message) for message in conversation["messages"][:MESSAGES]]
    return lines


def note_lines(notes: list[Json]) -> list[str]:
    """Return the notes of agents."""
    return [f"Note by {_words(note['agent'])}: {_words(note['text'])}" for note in notes[:LISTED]]


def handoff_lines(handoff: Json | None) -> list[str]:
    """Return whether a handoff was asked for, and by whom it was taken."""
    if not handoff:
        return []
    if handoff.get("accepted_at"):
        agent = handoff["accepted_by"] or {}
        return [f"Handed over{_asked_in(handoff)}: taken by {_words(agent.get('id'))} at {handoff['accepted_at']}."]
    since, why = handoff["requested_at"], _words(handoff["reason"])
    who = _asked_in(handoff)
    declined = ", ".join(_words((each["agent"] or {}).get("id")) for each in handoff.get("declined", [])[:LISTED])
    no = f" Declined by {declined}." if declined else ""
    return [f"A handoff was requested at {since}{who}, because {why}; nobody took it yet.{no}"]


def _asked_in(handoff: Json) -> str:
    return f" in {quoted(handoff['interaction'])}, where it is {handoff['level']} who is there"


def entry_line(entry: Json) -> str:
    """Return one entry of a history with its event as the source."""
    said = entry.get("text")
    transcript = entry.get("transcript") or []
    text = _words(said) if said else "; ".join(_spoken(line) for line in transcript[:MESSAGES])
    who = entry.get("role") or "system"
    words = "".join(f" about {_words(each['kind'] + ' ' + each['value'])}" for each in entry.get("references", []))
    words += f": {text}" if text else ""
    source = f"[{quoted(entry['event']['source'])} {quoted(entry['event']['id'])}]"
    return f"- {entry['time']} {entry['channel']} {who} {entry['type']}{words} {source}"


def packet_lines(packet: Json) -> list[str]:
    """Return the packet of a handoff: what was said, tried, learned and proved, and what is open."""
    lines = handoff_lines(packet["request"]) if packet["request"] else ["Nobody requested a handoff."]
    if packet["summary"]:
        lines.append(f"About: {quoted(packet['summary'])}.")
    known = _pairs(packet["slots"])
    if known:
        lines.append(f"Known already, don't ask again: {known}.")
    for name, title in (("tried", "Tried"), ("open_questions", "Open")):
        if packet[name]:
            lines.append(f"{title}: " + _list(packet[name]) + ".")
    lines += [
        f"Proved in {_words(proof['interaction'])}: {proof['kind']} by {quoted(proof['method'])}."
        for proof in packet["verified"][:LISTED]
    ]
    lines += note_lines(packet["notes"])
    lines += [
        f"- {line['time']} {line['channel']} {line['role'] or 'system'}: {_words(line['text'])}"
        for line in packet["transcript"][:TIMELINE]
    ]
    return lines


def _contact_lines(meta: Json) -> list[str]:
    contact = meta.get("contact")
    if contact is None:
        return ["Read without a contact: nothing says who is there now."]
    assurance = contact["assurance"]
    until = f" until {assurance['expires_at']}" if assurance["expires_at"] else ""
    by = f" by {quoted(str(assurance['by']))}" if assurance["by"] else ""
    lines = [f"Who is in contact {quoted(contact['interaction'])} is {assurance['level']}{by}{until}."]
    if assurance["level"] not in ("proved", "asserted"):
        lines.append("That is a claim alone: tell nothing personal before the customer has proved who they are.")
    return lines


def _now_lines(now: Json | None) -> list[str]:
    if not now or not now.get("interaction"):
        return ["No contact is going on."]
    waiting = f", waiting since {now['waiting_since']}" if now["waiting_since"] else ""
    return [f"Now on {now['channel']}, contact {quoted(now['interaction'])}{waiting}."]


def _message_line(message: Json) -> str:
    return f"- {message['time']} {message['channel']} {message['role'] or 'system'}: {_words(message['text'])}"


def _spoken(line: Json) -> str:
    return f"{line.get('role') or 'somebody'} {_words(line.get('text'))}"


def _words(text: Any) -> str:
    return quoted(str(text)) if text else "nothing"


def _list(texts: Iterable[Any]) -> str:
    return "; ".join(quoted(str(text)) for text in list(texts)[:LISTED])


def _pairs(found: Mapping[str, Any]) -> str:
    return ", ".join(_shown_pairs(found))


def _shown_pairs(found: Mapping[str, Any]) -> Iterable[str]:
    for name, value in list(found.items())[: LISTED * 2]:
        yield f"{quoted(name, 60)} is {quoted(str(value), 200)}"
