"""Map what a person does besides writing: referrals, opt-ins, account linking, forms and surveys."""

from __future__ import annotations

from collections.abc import Iterator

from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, number, obj, objects, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Ignored, Unmapped
from cx_channels.social.meta.account_linking import linked_identifier, signing_secrets
from cx_channels.social.meta.messaging_event import MessagingEvent, draft_of, referral_tokens
from cx_events.envelope import (
    Consent,
    Data,
    Identifier,
    Survey,
)
from cx_events.weights import CLAIMED, PROVED

_SCALES = {"nps": (0, 10), "csat": (1, 7), "ces": (1, 7)}


def map_referral(event: MessagingEvent) -> Iterator[Outcome]:
    """Map an arrival by an m.me link, an advertisement or a code; ``ref`` is what the link carried."""
    body = event.body
    yield draft_of(
        event,
        "cx.interaction.started.v1",
        event.own_id("referral"),
        Data(
            reason=first(body.get("source"), body.get("type")),
            url=text(body.get("referer_uri")),
            references=referral_tokens(body),
        ),
    )


def map_optin(event: MessagingEvent) -> Iterator[Outcome]:
    """Map an opt-in: consent to notifications, or the start of a conversation."""
    body = event.body
    kind = text(body.get("type"))
    if kind in ("notification_messages", "one_time_notif_req"):
        granted = text(body.get("notification_messages_status")).upper() != "STOP_NOTIFICATIONS"
        topic = first(body.get("title"), body.get("payload"))
        purpose = f"{kind}:{topic}" if topic else kind
        consent = Consent(purpose=purpose[:256], granted=granted, channel="social")
        yield draft_of(event, "cx.consent.changed.v1", event.own_id("optin"), Data(consent=consent))
        return
    yield draft_of(
        event,
        "cx.interaction.started.v1",
        event.own_id("optin"),
        Data(reason="optin", references=referral_tokens(body)),
    )


def map_call_permission(event: MessagingEvent) -> Iterator[Outcome]:
    """Map whether the page may call the person, up to ``expiration_timestamp``
    (developers.facebook.com/documentation/business-messaging/messenger-platform/calling/biz2consumer/call-flow)."""
    response = text(event.body.get("response")).lower()
    if response not in ("approve", "accept", "reject"):
        yield Unmapped(
            event.own_id("call-permission"), f"malformed call_permission_reply: {response[:32]!r}", event.item.raw
        )
        return
    consent = Consent(purpose="calls", granted=response != "reject", channel="voice")
    yield draft_of(event, "cx.consent.changed.v1", event.own_id("call-permission"), Data(consent=consent))


def map_account_linking(event: MessagingEvent) -> Iterator[Outcome]:
    """Map a login at the business, whose login page sent the person's browser back to Meta with a code.

    The code is a parameter of an address in the person's own browser ("redirect users to the location provided by
    redirect_uri and append an authorization_code",
    developers.facebook.com/docs/messenger-platform/identity/account-linking): the person can write any other there. So
    it is a claim unless the business signed it.
    """
    kind = text(event.connection.settings.get("account_linking"))
    code = text(event.body.get("authorization_code"))
    if event.body.get("status") != "linked" or not (kind and code):
        yield Ignored("account_linking", "the setting account_linking does not say what the code stands for")
        return
    known = linked_identifier(kind, code, signing_secrets(event.connection.settings))
    proved = known.weight == PROVED
    yield draft_of(
        event,
        "cx.identity.verified.v1" if proved else "cx.identity.asserted.v1",
        event.own_id("linked"),
        Data(evidence="account-linking" if proved else "account-linking-unsigned"),
        also=(known,),
    )


def map_customer_information(event: MessagingEvent) -> Iterator[Outcome]:
    """Map a form that was filled in within Messenger: typed, and so claimed."""
    found: dict[str, str] = {}
    for screen in objects(event.body.get("screens")):
        for response in objects(screen.get("responses")):
            found[text(response.get("key")).lower()] = text(response.get("value")).strip()
    also = [
        Identifier(kind="email", value=value, weight=CLAIMED)
        for key, value in found.items()
        if "email" in key and value
    ]
    also += [
        Identifier(kind="phone", value=value, weight=CLAIMED)
        for key, value in found.items()
        if "phone" in key and value
    ]
    name = first(found.get("full_name"), found.get("name"))
    name = name or " ".join(filter(None, (found.get("first_name"), found.get("last_name"))))
    yield draft_of(
        event,
        "cx.identity.asserted.v1",
        event.own_id("customer-information"),
        Data(evidence="messenger-form"),
        also=tuple(also),
        name=name,
    )


def map_feedback(event: MessagingEvent) -> Iterator[Outcome]:
    """Map a customer feedback survey: one event for each question with a valid score."""
    found = False
    for screen in objects(event.body.get("feedback_screens")):
        for name, question in obj(screen.get("questions")).items():
            answer = obj(question)
            metric = text(answer.get("type")).lower()
            score = number(answer.get("payload"))
            least, most = _SCALES.get(metric, (1, 0))
            if score is not None and least <= score <= most:
                found = True
                comment = text(obj(answer.get("follow_up")).get("payload"))
                survey = Survey(metric=metric, score=score, comment=comment)  # type: ignore[arg-type]
                id = f"{event.own_id('feedback')}/{id_part(name)}"
                yield draft_of(event, "cx.survey.answered.v1", id, Data(survey=survey))
    if not found:
        yield Unmapped(
            event.own_id("feedback"),
            "malformed messaging_feedback: no question has a score of its scale",
            event.item.raw,
        )
