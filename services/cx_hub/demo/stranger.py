"""Play a stranger who knows Ana's address: what an agent, and what a bot that answers by itself, is shown of such a
chat.
"""

from __future__ import annotations

from collections.abc import Iterator

from cx_events.json_types import Json
from cx_hub.context_view import render_certainty
from cx_hub.demo.bot_steps import answers_in_chat
from cx_hub.demo.cast import World
from cx_hub.demo.stage import Stage

ASKED = "Which address is on file for my refund?"


async def claims_to_be_her(stage: Stage, world: World) -> None:
    """Anybody can type an address. It is shown as a claim, and changes nothing that is proved or asserted of Ana."""
    cast = world.cast
    stage.step("web chat", "A stranger types Ana's address, in another browser.")
    before = await world.desk.looks_up(f"email:{cast.email}")
    async with world.strangers_browser.chat({"cookie": cast.strangers_cookie}) as chat:
        visitor = {"cookie": cast.strangers_cookie, "email": cast.email}
        identified = await chat.ask({"type": "identify", "visitor": visitor}, "identified")
        await chat.write("s-1", ASKED)
        theirs, hers = world.strangers_browser.interaction, world.browser.interaction
        stage.door(f"WebSocket /v1/chat, {theirs}: {cast.email}", identified["type"])
        brief, words = await answers_in_chat(stage, world, chat, theirs, ASKED, "claimed")
    document = await world.desk.takes(theirs, until=lambda body: ASKED in _said(body, theirs))
    stage.sees("Ben, in that chat,", _at_hand(document, theirs))
    stage.says('Ben: "Before I look: who are you? Please log in."')
    stage.check(
        "the bot is told nothing about her there, tells nothing, and still hands over",
        brief["level"] == "claimed"
        and not any(brief["say"].values())
        and not any(each in words for each in ("Ana", "charge", cast.order)),
    )
    answer, nothing = await world.assured_bot.reads(theirs)
    stage.door(f"GET /v1/context?assurance=proved&interaction={theirs}", answer)
    its_answer, assured = await world.assured_bot.reads(hers)
    stage.door(f"GET /v1/context?assurance=proved&interaction={hers}", its_answer)
    if assured:
        stage.sees("A bot that asks for proof, in Ana's own chat,", _at_hand(assured, hers))
    stage.check(
        "who types her address is shown with her, as a claim that nobody checked",
        document["body"]["customer"]["id"] == before["body"]["customer"]["id"] and _level(document) == "claimed",
    )
    stage.check("what is proved and asserted of her is as it was", _sure_of(document) == _sure_of(before))
    stage.check("a bot that asks for proof is refused that chat", answer == "403 not-assured" and not nothing)
    stage.check("her own chat is proved, until a time that is told", _level(assured) == "proved" and _until(assured))
    stage.check(
        "there that bot reads what she wrote, and nothing of the stranger's",
        bool(assured) and bool(_said(assured["body"], hers)) and not _said(assured["body"], theirs),
    )


def _at_hand(document: Json, interaction: str) -> Iterator[tuple[str, str]]:
    customer = document["body"]["customer"]
    yield "who", f"{customer['display']} · customer {customer['id']}"
    yield "how sure", render_certainty(document["meta"]["contact"]["assurance"])
    yield "said", next(iter(_said(document["body"], interaction)), "")


def _said(body: Json, interaction: str) -> list[str]:
    """Return what was written in one contact, newest first."""
    written = (entry for entry in body["timeline"] if entry["type"].startswith("cx.message."))
    return [entry["text"] for entry in written if entry["interaction"] == interaction and entry["text"]]


def _assurance(document: Json) -> Json:
    found: Json = document.get("meta", {}).get("contact", {}).get("assurance", {})
    return found


def _level(document: Json) -> str | None:
    return _assurance(document).get("level")


def _until(document: Json) -> bool:
    return bool(_assurance(document).get("expires_at"))


def _sure_of(document: Json) -> list[tuple[str, str]]:
    """Return the identifiers that are the customer's by more than a claim."""
    return [
        (each["kind"], each["value"]) for each in document["body"]["customer"]["identifiers"] if not each.get("claimed")
    ]
