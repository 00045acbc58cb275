"""Map what became of a mail that SES sent for us: one event for each recipient whom a notification is about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cx_channels.email.amazon_ses.notice import Notice
from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, objects, text, texts
from cx_channels.kit.mail.delivery.reasons import code_of, diagnostic
from cx_channels.kit.mail.message.automatic import BOUNCE, REPORT
from cx_channels.kit.mail.mime.addresses import parse_mailboxes
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import iso_time
from cx_channels.provider import Ignored
from cx_events.envelope import Consent, Direction, Draft, Failure, Identifier, Message, Participant, Reference
from cx_events.json_types import Json

_MAX_SUBJECT, _MAX_NAME, _MAX_EXPLANATION, _MAX_URL = 1_000, 256, 1_000, 2_048
_WEB = re.compile(r"https?://\S+", re.IGNORECASE)
_REGION = re.compile(r"arn:aws[a-z-]*:[a-z]+:([a-z0-9-]{1,40}):.*", re.DOTALL)

SEVERAL = "Open/several"

_SUPPRESSED: tuple[str, Direction] = ("failed", "outbound")
_COMPLAINED: tuple[str, Direction] = ("reacted", "inbound")


def map_delivery(notice: Notice) -> Iterator[Outcome]:
    """Map that the recipients' server took the mail."""
    told = obj(notice.value.get("delivery"))
    for address in _addresses(notice, texts(told.get("recipients"))):
        yield _draft(notice, "delivered", "delivered", address, told, "outbound")


def map_bounce(notice: Notice) -> Iterator[Outcome]:
    """Map a bounce. ``reason``: its type and subtype; ``Transient/General`` is often an absence, and says nothing of
    the address (docs.aws.amazon.com/ses/latest/dg/notification-contents.html, "Bounce types")."""
    told = obj(notice.value.get("bounce"))
    kind, subtype = text(told.get("bounceType")), text(told.get("bounceSubType"))
    listed = {_address(text(each.get("emailAddress"))): each for each in objects(told.get("bouncedRecipients"))}
    for address in _addresses(notice, [each for each in listed if each]):
        draft = _draft(notice, "failed", f"bounce/{_own(told)}", address, told, "outbound")
        said = listed.get(address, {})
        draft.data.failure = Failure(
            code=code_of(text(said.get("status")), text(said.get("diagnosticCode"))) or f"{kind}/{subtype}"[:_MAX_NAME],
            message=diagnostic(text(said.get("diagnosticCode")))[:_MAX_EXPLANATION],
        )
        draft.data.reason = "/".join(filter(None, (kind, subtype)))[:_MAX_NAME]
        _automatic(notice, draft, BOUNCE)
        yield draft


def map_complaint(notice: Notice) -> Iterator[Outcome]:
    """Map a complaint. One about an address on the account's suppression list is no complaint of today: SES did not
    send the mail."""
    told = obj(notice.value.get("complaint"))
    kind, subtype = text(told.get("complaintFeedbackType")), text(told.get("complaintSubType"))
    suppressed = subtype == "OnAccountSuppressionList"
    listed = [text(each.get("emailAddress")) for each in objects(told.get("complainedRecipients"))]
    for address in _addresses(notice, listed):
        what, way = _SUPPRESSED if suppressed else _COMPLAINED
        draft = _draft(notice, what, f"complaint/{_own(told)}", address, told, way)
        if suppressed:
            draft.data.failure = Failure(code=subtype, message="the address is on the account's suppression list")
        else:
            draft.data.reaction = "not-spam" if kind == "not-spam" else "complaint"
        draft.data.reason = (subtype or kind)[:_MAX_NAME]
        _automatic(notice, draft, REPORT)
        yield draft


def map_reject(notice: Notice) -> Iterator[Outcome]:
    """Map a mail that SES did not send: it found a virus, or could not fill a template."""
    rendering = obj(notice.value.get("failure"))
    told = obj(notice.value.get("reject")) or rendering
    for address in _addresses(notice, []):
        draft = _draft(notice, "failed", id_part(notice.kind.replace(" ", "-").lower()), address, told, "outbound")
        words = first(told.get("reason"), told.get("errorMessage"))[:_MAX_EXPLANATION]
        draft.data.failure = Failure(code="Rendering Failure" if rendering else "Reject", message=words)
        draft.data.reason = text(rendering.get("templateName"))[:_MAX_NAME]
        yield draft


def map_delay(notice: Notice) -> Iterator[Outcome]:
    """Map a delay, which is no failure yet: a message of its own, not another state of the mail that it is about."""
    told = obj(notice.value.get("deliveryDelay"))
    listed = {_address(text(each.get("emailAddress"))): each for each in objects(told.get("delayedRecipients"))}
    for address in _addresses(notice, [each for each in listed if each]):
        at = id_part(text(told.get("timestamp")) or "0")
        draft = _draft(notice, "received", f"delay/{at}", address, told, "internal")
        said = listed.get(address, {})
        draft.data.failure = Failure(
            code=code_of(text(said.get("status")), text(said.get("diagnosticCode"))),
            message=diagnostic(text(said.get("diagnosticCode")))[:_MAX_EXPLANATION],
        )
        draft.data.reason = "delayed"
        _automatic(notice, draft, REPORT)
        assert draft.data.message is not None
        draft.data.message.id = draft.id.rpartition("/")[0]
        draft.data.message.text = text(told.get("delayType"))[:_MAX_NAME]
        draft.data.message.content_type = "text/plain"
        yield draft


def map_reading(notice: Notice) -> Iterator[Outcome]:
    """Map that a mail was opened, or a link in it followed, where it went to one person: SES does not say who of
    several did it."""
    named = texts(notice.mail.get("destination"))
    if len(named) != 1:
        yield Ignored(SEVERAL, "SES does not say who of a mail's several recipients opened it")
        return
    clicked = notice.kind == "Click"
    told = obj(notice.value.get("click" if clicked else "open"))
    link = text(told.get("link"))
    own = sha256_hex(f"{told.get('timestamp')}\0{told.get('userAgent')}\0{link}".encode("utf-8", "replace"))[:16]
    for address in _addresses(notice, named):
        draft = _draft(notice, "read", f"{'clicked' if clicked else 'opened'}/{own}", address, told, "inbound")
        if clicked:
            draft.data.reason = "clicked"
            draft.data.url = link if _WEB.fullmatch(link) and len(link) <= _MAX_URL else ""
        yield draft


def map_subscription(notice: Notice) -> Iterator[Outcome]:
    """Map a recipient's choice on SES's page of topics: one consent for each topic, and one for all."""
    told = obj(notice.value.get("subscription"))
    preferences, list_name = obj(told.get("newTopicPreferences")), text(told.get("contactList"))
    chosen = [
        (text(each.get("topicName")), text(each.get("subscriptionStatus")) == "OptIn")
        for each in objects(preferences.get("topicSubscriptionStatus"))
    ]
    if preferences.get("unsubscribeAll") is True:
        chosen = [(list_name, False), *((topic, False) for topic, _ in chosen)]
    for address in _addresses(notice, [])[:1]:
        at = id_part(text(told.get("timestamp")) or "0")
        for purpose, granted in dict(each for each in chosen if each[0]).items():
            draft = _draft(notice, "", f"consent/{at}/{id_part(purpose)}", address, told, "inbound")
            draft.data.message = None
            draft.data.consent = Consent(purpose=purpose[:_MAX_NAME], channel="email", granted=granted)
            draft.data.reason = text(told.get("source"))[:_MAX_NAME]
            yield draft


# --- pieces ----------------------------------------------------------------------------------------------------------


def _addresses(notice: Notice, listed: list[str]) -> list[str]:
    """Return whom a notification is about, each once; all recipients of the mail where it names nobody itself. "" where
    nothing names anybody: the mail is told of all the same."""
    named = listed or texts(notice.mail.get("destination"))
    return [each for each in dict.fromkeys(map(_address, named)) if each] or [""]


def _address(written: str) -> str:
    """Return the address alone of one that is written with a name, or as it is written."""
    mailboxes = parse_mailboxes(written)
    return mailboxes[0].address if mailboxes else written


def _own(told: Json) -> str:
    return id_part(first(told.get("feedbackId"), told.get("timestamp"), "0"))


def _draft(notice: Notice, what: str, suffix: str, address: str, told: Json, direction: Direction) -> Draft:
    """Draft an event about a sent mail, in the thread that the mail begins where it answers none."""
    about = notice.message_id
    hidden = sha256_hex(address.strip().lower().encode("utf-8", "replace"))[:16]
    kind = f"cx.message.{what}.v1" if what else "cx.consent.changed.v1"
    return make_draft(
        notice.connection, "email", kind, f"{about}/{suffix}/{hidden}",
        raw=notice.raw,
        root=as_sent(notice),
        time=iso_time(text(told.get("timestamp"))) or iso_time(text(notice.mail.get("timestamp"))),
        direction=direction,
        participants=_participants(notice, address),
        references=_references(notice),
        message=Message(id=about),
    )  # fmt: skip


def _automatic(notice: Notice, draft: Draft, automatic: str) -> None:
    assert draft.data.message is not None
    draft.data.message.automatic = automatic
    draft.data.message.subject = text(obj(notice.mail.get("commonHeaders")).get("subject"))[:_MAX_SUBJECT]
    draft.data.message.in_reply_to = as_sent(notice)


def as_sent(notice: Notice) -> str:
    """Return the Message-ID that recipients saw: SES puts its own id there, with a domain of the region
    (docs.aws.amazon.com/ses/latest/dg/header-fields.html)."""
    region = next(
        (
            match[1]
            for arn in (text(notice.mail.get("sourceArn")), notice.topic)
            if (match := _REGION.fullmatch(arn)) is not None
        ),
        "us-east-1",
    )
    domain = "email.amazonses.com" if region == "us-east-1" else f"{region}.amazonses.com"
    return f"{notice.message_id}@{domain}"


def _references(notice: Notice) -> list[Reference]:
    given = text(obj(notice.mail.get("commonHeaders")).get("messageId")).strip().strip("<>")[:_MAX_NAME]
    ids = dict.fromkeys(each for each in (as_sent(notice), notice.message_id, given) if each)
    return [Reference(kind="message", value=each) for each in ids]


def _participants(notice: Notice, address: str) -> list[Participant]:
    identifiers = [Identifier(kind="email", value=address)] if address else []
    customer = Participant(role="customer", identifiers=identifiers)
    named: Any = obj(notice.mail.get("commonHeaders")).get("from")
    shown = next(iter(parse_mailboxes(first(next(iter(texts(named)), ""), notice.mail.get("source")))), None)
    if shown is None or not shown.address or shown.address.lower() == address.lower():
        return [customer]
    ours = [Identifier(kind="email", value=shown.address)]
    return [customer, Participant(role="business", name=shown.name[:_MAX_NAME], identifiers=ours)]
