"""Tell of a fetched file: its content in the blob store, and an event beside that which named it.

The event has the time and the participants of the one that named the file, so it lies in the same part of the context
and moves nothing: it names nobody whom that does not name, with the same weight, and happened at no other time.
"""

from __future__ import annotations

from cx_channels.dead_letters import MappingFailure
from cx_channels.intake import Intake
from cx_channels.media.references import Reference
from cx_channels.provider import FETCHED, Connection, Mapped, Provider, Request
from cx_events.blob import blob_name
from cx_events.envelope import Attachment, Data, Draft, Event, Message
from cx_events.facts import event_times
from cx_events.types.media import STORED
from cx_runtime.outbound.fetcher import NotFetched
from cx_runtime.outbound.files import File

_VAGUE = frozenset({"", "application/octet-stream"})


async def store(intake: Intake, connection: Connection, provider: Provider, reference: Reference, found: File) -> None:
    """Store a file; the event is durable on return. A whole mail is mapped, and its words and files are told as well.

    Raise ``TryLater`` where it may not be durable, ``NotFetched("no-original")`` for a mail whose event lacks what is
    needed to map it.
    """
    request = Request(b"", FETCHED)
    mapped, words = Mapped(), Message()
    blobs: tuple[bytes, ...] = (found.content,)
    failures: list[MappingFailure] = []
    if provider.media is not None and provider.media.mail is not None:
        asked = provider.media.mail(reference.event, found.content)
        if asked is None:
            raise NotFetched("no-original", "the event does not have what the vendor told of this mail")
        request = asked
        mapped, failures = await intake.map(provider, request, connection)
        words = next((each.data.message for each in mapped.drafts if _is_written(each) and each.data.message), words)
        blobs += mapped.blobs
    others = tuple(each for each in mapped.drafts if not _is_written(each))
    stored = Mapped(
        (stored_draft(reference, stored_file(reference, found), words), *others), mapped.ignored, blobs=blobs
    )
    await intake.publish_mapped(stored, failures, request, connection)


def _is_written(draft: Draft) -> bool:
    """Return whether a draft is the mail itself, which the event that named the file has told already."""
    return draft.type in ("cx.message.received.v1", "cx.message.sent.v1")


def stored_file(reference: Reference, found: File) -> Attachment:
    """Return the attachment that names a fetched content."""
    file, name = reference.file, blob_name(found.content)
    told = file.content_type
    return Attachment(
        name=file.name,
        content_type=(found.content_type or told) if told in _VAGUE or told.endswith("/*") else told,
        bytes=len(found.content),
        sha256=name.removeprefix("sha256:"),
        url=file.url,
        blob=name,
        cid=file.cid,
        inline=file.inline,
    )


def stored_draft(reference: Reference, file: Attachment, words: Message) -> Draft:
    """Return the event of a stored file. ``words``: of the mail that it is, with the files in it; empty elsewhere."""
    event = reference.event
    told = event.data.message
    message = Message(
        id=told.id if told is not None else "",
        text=words.text,
        content_type=words.content_type,
        html=words.html,
        subject=words.subject,
        quoted=words.quoted,
        signature_at=words.signature_at,
        attachments=[file, *words.attachments],
    )
    customers = [each for each in event.data.participants if each.role == "customer"]
    data = Data(
        channel=event.data.channel,
        interaction=event.data.interaction,
        direction=event.data.direction,
        participants=customers,
        message=message,
    )
    return Draft(type=STORED, id=reference.stored_id, data=data, time=_time(event), causationid=event.id)


def _time(event: Event) -> int:
    return event_times(event)[0]
