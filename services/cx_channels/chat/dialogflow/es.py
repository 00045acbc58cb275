"""Map a fulfillment request of Dialogflow ES (google.cloud.dialogflow_v2, ``WebhookRequest``)."""

from __future__ import annotations

from collections.abc import Iterator

from cx_channels.chat.dialogflow.kinds import ignored
from cx_channels.chat.dialogflow.turn import Turn, confidence_of, ended, turn_of
from cx_channels.kit.bot_trails import is_card, words_of_rich
from cx_channels.kit.json_values import first, obj, objects, text, texts
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Connection
from cx_events.envelope import Bot, Data, Message, Transfer
from cx_events.json_types import Json

WELCOME = ("Default Welcome Intent", "input.welcome")
_MOST_ITEMS = 50
_OF_CHOICE = (".original", "no-input", "no-match")


def map_es(connection: Connection, value: Json) -> Iterator[Outcome]:
    """Yield what a request tells: what was understood, learned and will be said, unless the webhook says otherwise."""
    result, asked = obj(value.get("queryResult")), obj(value.get("originalDetectIntentRequest"))
    session = text(value.get("session"))
    values = {name: each for name, each in obj(result.get("parameters")).items() if not name.endswith(_OF_CHOICE)}
    turn = turn_of(connection, text(value.get("responseId")), session, values, obj(asked.get("payload")))
    if not turn.id or not turn.root:
        yield turn.lost("it has no responseId, or no session", value)
        return
    found = list(_told(turn, result))
    yield from found or [ignored("nothing")]


def _told(turn: Turn, result: Json) -> Iterator[Outcome]:
    intent = obj(result.get("intent"))
    name = text(intent.get("displayName"))
    if WELCOME[0] == name or text(result.get("action")) == WELCOME[1]:
        begin = turn.draft("cx.interaction.started.v1", "started", {"intent": intent}, Data(reason="bot"))
        yield ignored("begin-as-guest") if turn.passed else begin
    yield from _words(turn, text(result.get("queryText")))
    if name:
        yield _intent(turn, intent, name, result)
    slots = turn.slots(turn.values)
    if slots is not None:
        yield slots
    sentiment = turn.sentiment(obj(obj(result.get("sentimentAnalysisResult")).get("queryTextSentiment")), "v2")
    if sentiment is not None:
        yield sentiment
    yield from _answer(turn, result)
    yield from _outcome(turn, result, intent)


def _words(turn: Turn, words: str) -> Iterator[Outcome]:
    if not words:
        return
    if is_card(words):
        yield ignored("card")
    elif turn.connection.settings.get("messages") == "take":
        message = Message(id=turn.id, text=words, content_type="text/plain")
        yield turn.draft("cx.message.received.v1", "words", {"queryText": words}, Data(message=message))
    else:
        yield ignored("words")


def _intent(turn: Turn, intent: Json, name: str, result: Json) -> Outcome:
    missed = intent.get("isFallback") is True
    sure = confidence_of(result.get("intentDetectionConfidence"))
    bot = Bot(intent="fallback" if missed else name, confidence=sure)
    piece = {"intent": intent, "intentDetectionConfidence": result.get("intentDetectionConfidence")}
    return turn.draft("cx.bot.intent.v1", "intent", piece, Data(bot=bot, reason=name if missed else ""))


def _answer(turn: Turn, result: Json) -> Iterator[Outcome]:
    """Yield the words of the answer as the console has it. Platforms have versions of it; the general one counts."""
    messages = objects(result.get("fulfillmentMessages"))
    general = [each for each in messages if text(each.get("platform")) in ("", "PLATFORM_UNSPECIFIED")]
    words = "\n".join(dict.fromkeys(filter(None, map(words_of, general or messages))))
    words = words or text(result.get("fulfillmentText"))
    if words:
        yield turn.said(words, {"fulfillmentMessages": general or messages} if messages else {"fulfillmentText": words})
    elif any("payload" in each for each in messages):
        yield ignored("message/payload")
    numbers = (text(obj(each.get("telephonyTransferCall")).get("phoneNumber")) for each in messages)
    if to := next(filter(None, numbers), ""):
        piece = {"fulfillmentMessages": [{"telephonyTransferCall": {"phoneNumber": to}}]}
        yield turn.draft("cx.interaction.transferred.v1", "transferred", piece, Data(transfer=Transfer(to=to)))


def words_of(message: Json) -> str:
    """Return the words of one message of an answer, of whatever kind."""
    if words := "\n".join(texts(obj(message.get("text")).get("text"))):
        return words
    spoken = [
        first(each.get("displayText"), each.get("textToSpeech"))
        for each in objects(obj(message.get("simpleResponses")).get("simpleResponses"))
    ]
    card = obj(message.get("card")) or obj(message.get("basicCard"))
    titled = " ".join(
        filter(None, (text(card.get("title")), text(card.get("subtitle")), text(card.get("formattedText"))))
    )
    quick = text(obj(message.get("quickReplies")).get("title"))
    return first(
        "\n".join(filter(None, spoken)), titled, quick,
        _listed(message), text(obj(message.get("rbmText")).get("text")),
        text(obj(message.get("telephonySynthesizeSpeech")).get("text")), words_of_rich(message.get("payload")),
    )  # fmt: skip


def _listed(message: Json) -> str:
    """Return what a list, a carousel or a table of cards shows
    (cloud.google.com/dialogflow/es/docs/reference/rest/v2beta1/projects.agent.intents, "Message")."""
    rich = [obj(obj(message.get("rbmStandaloneRichCard")).get("cardContent"))]
    rich += objects(obj(message.get("rbmCarouselRichCard")).get("cardContents"))
    lists = [obj(message.get(name)) for name in ("listSelect", "carouselSelect", "browseCarouselCard", "tableCard")]
    cards = [card for each in lists for card in (each, *objects(each.get("items"))[:_MOST_ITEMS])]
    shown = (text(card.get(name)) for card in (*cards, *rich) for name in ("title", "subtitle", "description"))
    return "\n".join(filter(None, shown))


def _outcome(turn: Turn, result: Json, intent: Json) -> Iterator[Outcome]:
    handed = intent.get("liveAgentHandoff") is True
    over = intent.get("endInteraction") is True or obj(result.get("diagnosticInfo")).get("end_conversation") is True
    if handed:
        yield turn.draft(
            "cx.bot.handoff_asked.v1",
            "handoff",
            {"intent": intent},
            Data(bot=Bot(intent=text(intent.get("displayName")))),
        )
    if over and not handed:
        yield ended(turn, {"intent": intent, "end_conversation": True}, ignored("end-as-guest"))


KINDS = {
    "es/welcome": "cx.interaction.started",
    "es/words": "cx.message.received, where the setting messages is take",
    "es/intent": "cx.bot.intent",
    "es/fallback": "cx.bot.intent of the name fallback",
    "es/parameters": "cx.bot.slot",
    "es/sentiment": "cx.insight.found",
    "es/answer": "cx.bot.turn",
    "es/transfer": "cx.interaction.transferred",
    "es/handoff": "cx.bot.handoff_asked",
    "es/end": "cx.interaction.ended",
}


def es_kinds(value: Json) -> Iterator[str]:
    """Yield the kinds of what a request tells."""
    result = obj(value.get("queryResult"))
    intent = obj(result.get("intent"))
    if text(intent.get("displayName")) == WELCOME[0]:
        yield "es/welcome"
    if result.get("queryText"):
        yield "es/words"
    yield "es/fallback" if intent.get("isFallback") is True else "es/intent"
    if result.get("parameters"):
        yield "es/parameters"
    if "sentimentAnalysisResult" in result:
        yield "es/sentiment"
    if "fulfillmentMessages" in result or "fulfillmentText" in result:
        yield "es/answer"
    if any("telephonyTransferCall" in each for each in objects(result.get("fulfillmentMessages"))):
        yield "es/transfer"
    if intent.get("liveAgentHandoff") is True:
        yield "es/handoff"
    if intent.get("endInteraction") is True or obj(result.get("diagnosticInfo")).get("end_conversation") is True:
        yield "es/end"
