"""A bot in the web chat: hears visitors by a subscription, answers by the brief, hands over to people.

``pip install standardwebhooks``. Environment: ``CX_URL``, ``CX_KEY`` (events:write, context:read, conversations:write,
``required_assurance``), ``BOT_SECRET`` (the subscription's secret) and ``PORT``.
"""

from __future__ import annotations

import json
import os
import urllib.request
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

from standardwebhooks import Webhook, WebhookVerificationError

SOURCE = "//acme.example/helper"
AGENT = {"id": "helper", "name": "Helper"}
SECONDS = 5.0  # for each request; the hub waits 15 s for the answer to its own
MOST_BYTES = 8 << 20  # of a message; files stay at the hub


class Receiver(BaseHTTPRequestHandler):
    """Takes the hub's requests, one a message."""

    timeout = 10.0  # of whoever connects and sends nothing

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length[:20]) > MOST_BYTES:
            self.send_error(413 if length.isdecimal() else 411)
            return
        body = self.rfile.read(int(length))
        try:
            event = Webhook(os.environ["BOT_SECRET"]).verify(body, dict(self.headers))
        except WebhookVerificationError:
            self.send_error(401)
            return
        try:
            answer(event)
        except (OSError, ValueError, HTTPException) as error:
            self.log_error("not answered: %s", error)
            self.send_error(503)  # the hub sends the message again
            return
        self.send_response(204)
        self.end_headers()


def answer(event: dict[str, Any]) -> None:
    """Answer one message. All ids follow from the message's, so that answering it again changes nothing."""
    said, interaction = said_in(event["data"]["message"]), event["data"]["interaction"]
    query = urlencode({"at_least": f"{event['source']}#{event['id']}", "wait": "2s"})
    brief = post(f"/v1/context/brief?{query}", {"interaction": interaction})
    words = words_of(brief["say"])
    hands_over = "person" in said.lower() or not brief["say"]["name"]
    if hands_over:
        words += " A colleague takes over."
        packet = {"summary": said, "tried": [words], "slots": brief["say"]["known"]}
        body = {"reason": "asks for a person", "by": "bot", "agent": AGENT, "packet": packet}
        post(f"/v1/conversations/{brief['route']['conversation']}/handoffs", body, f"{event['id']}/handoff")
    turn = {
        "channel": "chat",
        "interaction": interaction,
        "direction": "outbound",
        "participants": [{"role": "bot", **AGENT}],
        "bot": {"text": words, "intent": "handoff" if hands_over else "greeting"},
    }
    id = f"{event['id']}/answer"
    post("/v1/events", {"specversion": "1.0", "id": id, "source": SOURCE, "type": "cx.bot.turn.v1", "data": turn})


def said_in(message: dict[str, Any]) -> str:
    """Return what the visitor wrote; of files alone their names."""
    files = ", ".join(each.get("name", "a file") for each in message.get("attachments", []))
    return message.get("text") or f"sent {files}"


def words_of(say: dict[str, Any]) -> str:
    """Return what is said to whoever is there: of the customer only what may be said."""
    if not say["name"]:
        return "Please log in, so that I know who you are."
    order = f", order {say['known']['order']}" if "order" in say["known"] else ""
    return f"Hello {say['name']}. It is about: {say['topic'] or say['summary']}{order}."


def post(path: str, body: dict[str, Any], idempotency_key: str = "") -> dict[str, Any]:
    headers = {"authorization": f"Bearer {os.environ['CX_KEY']}", "content-type": "application/json"}
    if idempotency_key:
        headers["idempotency-key"] = idempotency_key
    request = urllib.request.Request(os.environ["CX_URL"] + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Receiver).serve_forever()
