"""Play the company's bot in the web chat: it says what the hub lets it say to whoever is there, and hands over to a
person.

Its key has ``required_assurance``, so what it could tell at worst is what it may tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cx_events.errors import TryLater
from cx_events.json_types import Json
from cx_hub.client import Client
from cx_hub.demo.actors import Software, insist

AGENT = {"id": "acme-bot", "name": "Acme bot"}
QUEUE = {"id": "billing", "name": "Billing"}


class ChatBot:
    """A bot that reads briefs and hands over with ``client``, and writes into chats with ``words``."""

    def __init__(self, client: Client, words: Software, patience: float) -> None:
        self._client = client
        self._words = words
        self._patience = patience

    async def reads(self, interaction: str, until: Callable[[Json], bool]) -> Json:
        """Return the brief of the contact, once ``until`` is content with it; else the last one."""
        found: list[Json] = []

        async def ask() -> Json:
            found.append(await self._client.post("/v1/context/brief", {"interaction": interaction}))
            if not until(found[-1]):
                raise TryLater("hub", "the brief is not yet what the story needs")
            return found[-1]

        try:
            return await insist(ask, self._patience)
        except TryLater:
            if not found:
                raise
            return found[-1]

    async def says(self, id: str, interaction: str, text: str, intent: str) -> int:
        """Write into the chat, and return the hub's status."""
        status, _ = await self._words.tells(
            "cx.bot.turn.v1",
            id,
            {
                "channel": "chat",
                "interaction": interaction,
                "direction": "outbound",
                "participants": [{"role": "bot", **AGENT}],
                "bot": {"intent": intent, "text": text},
            },
        )
        return status

    async def hands_over(self, id: str, conversation: str, reason: str, packet: Json) -> None:
        """Ask for a person, with what the bot knows."""
        path = f"/v1/conversations/{conversation}/handoffs"
        body = {"reason": reason, "by": "bot", "queue": QUEUE, "agent": AGENT, "packet": packet}
        headers = {"idempotency-key": id}
        await insist(lambda: self._client.ask("POST", path, json=body, headers=headers), self._patience)


def answer_to(brief: Json) -> str:
    """Return what the bot says to whoever is in the contact: of the customer only what ``say`` holds."""
    say = brief["say"]
    if not say["name"]:
        return "I can't tell you anything before I know who you are. Please log in. I am getting a colleague, too."
    order = f", order {say['known']['order']}" if "order" in say["known"] else ""
    about = f"{say['topic'] or say['summary'] or 'something new'}{order}"
    return f"Hello {say['name']}. I see that it is about: {about}. I am getting a colleague, who knows it, too."


def packet_of(brief: Json, question: str, tried: Sequence[str]) -> Json:
    """Return the packet for whoever takes over."""
    return {
        "summary": question,
        "tried": list(tried),
        "slots": brief["say"]["known"],
        "open_questions": [] if brief["say"]["name"] else ["Who is it? Nothing was proved."],
    }
