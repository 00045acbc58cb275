"""Map one parsed mail to events, whichever way it came.

A provider makes a ``Mail`` of what it was sent. What a mail means is decided here once, so that a conversation reads
alike and hangs together whether its mails came over SMTP or from a vendor's webhook.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from cx_channels.kit.mail.delivery.bounces import Bounce, is_bounce, read_bounce
from cx_channels.kit.mail.delivery.reasons import code_of
from cx_channels.kit.mail.delivery.refusals import is_server, refusal_of
from cx_channels.kit.mail.delivery.reports import (
    Complaint,
    Outcome,
    complaint_of,
    delivery_outcomes,
    embedded_report,
    original_headers,
    original_in_text,
    receipt_of,
    returned_report,
)
from cx_channels.kit.mail.delivery.returned_mail import id_in_prose, original_in_prose
from cx_channels.kit.mail.delivery.ses_notices import SesNotice, ses_notice
from cx_channels.kit.mail.message.automatic import BOUNCE, REPORT, automatic, distribution
from cx_channels.kit.mail.message.body import Body, Content, body_of, content_of
from cx_channels.kit.mail.message.dates import written_at
from cx_channels.kit.mail.message.origin import Origin, origin_of
from cx_channels.kit.mail.message.people import email, people_of
from cx_channels.kit.mail.message.threads import Thread, thread_of
from cx_channels.kit.mail.mime.addresses import parse_mailboxes
from cx_channels.kit.mail.mime.charsets import cut
from cx_channels.kit.mail.mime.digest import content_digest
from cx_channels.kit.mail.mime.headers import Headers
from cx_channels.kit.mail.mime.parse import Mail, Part, parse
from cx_channels.kit.mail.settings import MailSettings
from cx_events.blob.port import blob_name
from cx_events.envelope import (
    Attachment,
    Data,
    Direction,
    Draft,
    Failure,
    Message,
    Participant,
    Reference,
)

MAX_NOTICE = 4 << 10
"""The bytes of a report's text that are kept."""

_MAX_SUBJECT = 1_000
_MAX_NAMED = 64 << 10

# What a mail may turn out to be. What is not one of the reports was written to be read.
KINDS = {
    "mail from a person": "cx.message.received.v1",
    "automatic reply": "cx.message.received.v1, message.automatic auto-reply",
    "mail of a machine": "cx.message.received.v1, message.automatic report",
    "mail by a list or in bulk": "cx.message.received.v1 of whoever wrote, message.distribution list or bulk",
    "mail from an own address, by a way that is ours": "cx.message.sent.v1",
    "mail from an own address, by any other way": "cx.message.received.v1, of an unverified stranger",
    "delivery status, failed": "cx.message.failed.v1 for each recipient",
    "delivery status, delivered or relayed": "cx.message.delivered.v1 for each recipient",
    "delivery status, delayed": "cx.message.received.v1, internal, reason delayed: the mail is not lost yet",
    "bounce in prose": "cx.message.failed.v1",
    "refusal of a list server": "cx.message.failed.v1",
    "abuse report": "cx.message.reacted.v1, reaction complaint (or not-spam)",
    "disposition notification, displayed": "cx.message.read.v1",
    "disposition notification, other": "cx.message.received.v1, message.automatic report",
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """The envelope of a mail: everything known of it besides its content.

    ``sender`` and ``recipients``: as in SMTP (``<>`` sends reports; None where unknown), the latter as an address
    field. ``peer``: the address of the host that brought it by SMTP, "" where unknown. ``by_vendor``: a vendor's signed
    request brought it. ``tokens``: continuity tokens that the vendor read. ``verdict``: what the vendor found of the
    mail's origin and says beside it, in place of what the mail's fields say. ``signers``: domains whose DKIM signature
    the vendor found valid, which counts beside those fields; ``told``: the words in which it said so. ``arrived``: when
    its writer's host brought it by SMTP, in microseconds since 1970.
    """

    sender: str | None = None
    recipients: str = ""
    peer: str = ""
    by_vendor: bool = False
    tokens: tuple[str, ...] = ()
    verdict: Origin | None = None
    signers: tuple[str, ...] = ()
    told: str = ""
    arrived: int | None = None


class MailMapping:
    """Maps one mail of a connection. ``drafts`` also sets ``blobs`` (the attachments' contents) and ``body``."""

    def __init__(self, connection: str, mail: Mail, settings: MailSettings, envelope: Envelope) -> None:
        self.mail = mail
        self.headers = mail.headers
        self.connection = connection
        self.envelope = envelope
        self.origin = envelope.verdict or origin_of(
            mail.headers, envelope.peer, settings.trust, by_vendor=envelope.by_vendor,
            signers=envelope.signers, verdict=envelope.told,
        )  # fmt: skip
        self.people = people_of(mail.headers, envelope.recipients, envelope.sender, settings, self.origin)
        self.content: Content = content_of(mail.root)
        self.tokens = dict.fromkeys((*self.people.tokens(), *envelope.tokens))
        self.digest = content_digest(mail, self.tokens, self.people.behind(mail.headers))
        self.thread: Thread = thread_of(mail.headers, f"digest-{self.digest}")
        self.at = written_at(mail.headers, envelope.arrived)
        self.body: Body | None = None
        self.blobs: list[bytes] = []

    def drafts(self) -> list[Draft]:
        """Return the events: a report is known by its parts, a bounce by its look; any other mail is a message."""
        text = self.content.text()
        told = ses_notice(self.headers, text)
        if told is not None:
            return [*self._outcomes(list(told.outcomes), told.original), *self._complaints(told)]
        original = original_headers(self.mail.root)
        outcomes = delivery_outcomes(self.mail.root)
        if outcomes:
            original = original or self._shown()
        if outcomes and all(outcome.recipient and outcome.explanation for outcome in outcomes):
            return self._outcomes(outcomes, original)
        complaint = complaint_of(self.mail.root)
        if complaint is not None:
            return [self._reacted(complaint, original or Headers())]
        receipt = receipt_of(self.mail.root)
        if receipt is not None and receipt.disposition == "displayed":
            about = Headers([("message-id", receipt.message_id.encode())])
            recipient = receipt.recipient or self.people.sender.address
            data = self._about(recipient, original or about, receipt.message_id, "inbound")
            return [self._draft("read", data)]
        if outcomes or is_bounce(self.headers, self.envelope.sender, text, original is not None):
            inner = None if outcomes else returned_report(self.mail.root) or embedded_report(text)
            if inner is not None:  # a gateway passes another server's report on
                return self._outcomes(delivery_outcomes(inner), original_headers(inner))
            original = original or original_in_text(self.mail.root)
            ours = [mailbox.address for mailbox in (*self.people.ours, self.people.sender)]
            bounce = read_bounce(self.headers, text, original, ours)
            return self._outcomes(_complete_outcomes(outcomes, bounce.outcomes), bounce.original)
        refusal = self._refusal(text, original)
        if refusal is not None:
            return self._outcomes(list(refusal.outcomes), refusal.original)
        return [self._written(REPORT if receipt is not None else self._automatic())]

    def as_message(self) -> Draft:
        """Return the mail as a message, whatever it looks like: for one of which the fields alone are known."""
        return self._written(self._automatic())

    def omissions(self) -> list[str]:
        """Return what is in the original and not in the events. Call it after ``drafts``."""
        cut_short = {"text"} if self.body is not None and self.body.cut else set()
        return sorted({*self.mail.omissions, *self.content.omissions, *cut_short})

    def _refusal(self, text: str, original: Headers | None) -> Bounce | None:
        """Return what a list server refused; None where a person is the sender."""
        people = self.people
        if people.from_us or not is_server(self.headers, people.sender, self.envelope.sender):
            return None
        shown = next(iter(parse_mailboxes(self.headers.raw("from"))), None)
        if shown is None or shown.address != people.sender.address:
            return None
        return refusal_of(self.headers, shown, text, original, [mailbox.address for mailbox in people.ours])

    def _shown(self) -> Headers:
        """Return the fields of the mail that a report is about, where that mail is no part of it but shown in text."""
        return original_in_text(self.mail.root) or original_in_prose(self.content.text())

    def _outcomes(self, outcomes: list[Outcome], original: Headers | None) -> list[Draft]:
        original = original or Headers()
        drafts = []
        for number, outcome in enumerate(outcomes, 1):
            data = self._about(outcome.recipient, original, original.raw("message-id"), "outbound")
            assert data.message is not None
            what = outcome.action
            if what != "delivered":
                data.failure = Failure(code=outcome.code, message=outcome.explanation)
            if what == "failed":
                data.message.automatic = BOUNCE
            elif what == "delayed":
                # Not failed: the server keeps trying, and a final report follows where it gives up. The notice is a
                # message of its own, not another state of the one that it is about.
                data.message.id, data.reason, data.direction = self._own_id(), "delayed", "internal"
            suffix = f"/{number}" if number > 1 else ""
            drafts.append(self._draft("received" if what == "delayed" else what, data, suffix))
        return drafts

    def _complaints(self, told: SesNotice) -> list[Draft]:
        return [
            self._reacted(each, told.original, f"/{number}" if number > 1 else "")
            for number, each in enumerate(told.complaints, 1)
        ]

    def _reacted(self, complaint: Complaint, original: Headers, suffix: str = "") -> Draft:
        about_id = complaint.message_id or id_in_prose(self.content.text())
        data = self._about(complaint.recipient, original, about_id, "inbound")
        data.reaction = "not-spam" if complaint.kind == "not-spam" else "complaint"
        data.reason = complaint.kind
        return self._draft("reacted", data, suffix)

    def _about(self, recipient: str, original: Headers, message_id: str, direction: Direction) -> Data:
        """Return the data of an event about a mail that was sent: its recipient is the customer, its thread the
        interaction."""
        about = thread_of(original, self.thread.root)
        if not about.own and message_id:
            about = thread_of(Headers([*original.fields, ("message-id", message_id.encode())]), self.thread.root)
        # What the notice itself refers to is the mail that it is about (Exim and Gmail do so).
        sent = about.own or self.thread.replies_to
        references = dict.fromkeys((*about.references(), *self.thread.references()))
        return Data(
            channel="email",
            interaction=self._interaction(about.root),
            direction=direction,
            participants=[Participant(role="customer", identifiers=email(recipient)), *self._system(recipient)],
            references=[Reference(kind="message", value=id) for id in references],
            message=Message(
                id=sent or self._own_id(),
                text=cut(self.content.text().strip(), MAX_NOTICE),
                content_type="text/plain",
                subject=self._subject(),
                in_reply_to=sent,
                automatic=REPORT,
            ),
        )

    def _system(self, customer: str) -> list[Participant]:
        """Return who sent the report, unless that is the customer."""
        sender = self.people.sender
        if not sender.address or sender.address.lower() == customer.lower():
            return []
        return [Participant(role="system", name=sender.name, identifiers=email(sender.address))]

    def _automatic(self) -> str:
        return automatic(self.headers, self.envelope.sender, reports=self.mail.root.media_type == "multipart/report")

    def _written(self, by_machine: str) -> Draft:
        people = self.people
        self.body = body_of(self.content, self._subject(), begins=not self.thread.replies_to)
        direction: Direction = "inbound"
        if people.from_us:
            direction = "outbound" if people.others else "internal"
        data = Data(
            channel="email",
            interaction=self._interaction(self.thread.root),
            direction=direction,
            participants=people.participants(),
            references=self._references(),
            message=Message(
                id=self._own_id(),
                text=self.body.text,
                content_type="text/plain",
                html=self.body.html,
                subject=self._subject(),
                in_reply_to=self.thread.replies_to,
                quoted=self.body.quoted,
                signature_at=self.body.signature_at,
                automatic=by_machine,
                distribution=distribution(self.headers),
                attachments=[self._attachment(part) for part in (*self.content.attached, *self.content.returned)],
            ),
        )
        return self._draft("sent" if people.from_us else "received", data)

    def _references(self) -> list[Reference]:
        return [
            *(Reference(kind="message", value=id) for id in self.thread.references()),
            *(Reference(kind="token", value=token) for token in self.tokens),
        ]

    def _attachment(self, part: Part) -> Attachment:
        content = part.content()
        name = blob_name(content)
        self.blobs.append(content)
        return Attachment(
            name=part.file_name or _name_of_mail(part, content),
            content_type=part.media_type[:120],
            bytes=len(content),
            sha256=name.removeprefix("sha256:"),
            blob=name,
            part=part.place,
            cid=part.content_id,
            inline=self.content.shows(part),
        )

    def _own_id(self) -> str:
        return self.thread.own or f"digest-{self.digest}"

    def _interaction(self, root: str) -> str:
        return f"{self.connection}/{root}"

    def _subject(self) -> str:
        return self.headers.text("subject")[:_MAX_SUBJECT]

    def _draft(self, what: str, data: Data, suffix: str = "") -> Draft:
        id = f"{self.thread.own}/{self.digest}" if self.thread.own else self._own_id()
        return Draft(type=f"cx.message.{what}.v1", id=f"{id}/{what}{suffix}", data=data, time=self.at)


def _complete_outcomes(outcomes: list[Outcome], told: tuple[Outcome, ...]) -> list[Outcome]:
    """Return the outcomes of a delivery status, completed with recipients and reasons that only its prose names."""
    if not outcomes:
        return list(told)
    by_address = {one.recipient.lower(): one for one in told}
    named = [
        _complete_outcome(one, by_address.pop(one.recipient.lower(), told[0]), one.recipient)
        for one in outcomes
        if one.recipient
    ]
    nameless = next((one for one in outcomes if not one.recipient), None)
    if nameless is not None:
        named += [_complete_outcome(nameless, said, said.recipient) for said in by_address.values()]
    return named or list(told)


def _complete_outcome(one: Outcome, said: Outcome, recipient: str) -> Outcome:
    if one.explanation:
        return replace(one, recipient=recipient, code=one.code or said.code)
    code = code_of(one.code, said.explanation) or said.code
    return Outcome(recipient, one.action, code, said.explanation)


def _name_of_mail(part: Part, content: bytes) -> str:
    """Return the file name of an attached mail, by its subject."""
    if part.media_type != "message/rfc822":
        return ""
    subject = parse(content[:_MAX_NAMED]).headers.text("subject")
    return f"{subject[:100]}.eml" if subject else "message.eml"
