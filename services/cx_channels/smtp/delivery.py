"""Deliver a mail to each connection among its recipients, and answer for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from aiosmtpd.smtp import Envelope

from cx_channels.provider import Connection, Request
from cx_channels.smtp.state import ListenerState
from cx_events.errors import Refused, TooFast, TryLater
from cx_runtime.shares import Slot


async def deliver_mail(state: ListenerState, envelope: Envelope, slot: Slot, peer: str) -> str:
    """Deliver a mail and return the SMTP answer.

    The delivery goes on where the client hangs up meanwhile: the client then sends the mail again, which is the same
    event. ``slot``: the mail's share of memory, given back at the end. ``peer``: the client's address.
    """
    task = asyncio.create_task(_deliver_to_all(state, envelope, peer))
    state.delivering.add(task)
    task.add_done_callback(_end(state, slot))
    return await asyncio.shield(task)


def _end(state: ListenerState, slot: Slot) -> Callable[[asyncio.Task[str]], None]:
    def end(task: asyncio.Task[str]) -> None:
        state.delivering.discard(task)
        slot.end()

    return end


async def _deliver_to_all(state: ListenerState, envelope: Envelope, peer: str) -> str:
    answers = [await _deliver_to_one(state, *each) for each in _requests(envelope, state, peer)]
    # The sender hears the worst: with 451 it sends all again, which is safe; a refusal must not be hidden.
    return max(answers, key=lambda answer: {"4": 2, "5": 1}.get(answer[0], 0))


async def _deliver_to_one(state: ListenerState, request: Request, connection: Connection) -> str:
    try:
        await state.deliver(request, connection)
    except TryLater as later:
        _log().warning("mail is put off", connection=connection.id, part=later.part, detail=later.detail)
        return "451 4.3.0 try again later"
    except TooFast as too_fast:
        _log().info("mail is put off", connection=connection.id, reason=too_fast.reason)
        return f"451 4.7.1 more mail than may be at once, try again in {too_fast.retry_after} s"
    except Refused as refused:
        _log().info("mail is refused", connection=connection.id, reason=refused.reason)
        return _refusal(refused)
    except Exception as error:  # whatever it is, the sender keeps the mail and tries again
        _log().error("mail could not be taken", connection=connection.id, exc_info=error)
        return "451 4.3.0 try again later"
    return "250 2.0.0 OK"


def _requests(envelope: Envelope, state: ListenerState, peer: str) -> list[tuple[Request, Connection]]:
    """Return the mail once for each of its connections, with the recipients of that connection."""
    recipients: dict[str, list[str]] = {}
    found: dict[str, Connection] = {}
    for address in envelope.rcpt_tos:
        connection = state.connections(address)
        if connection is not None:
            found[connection.id] = connection
            recipients.setdefault(connection.id, []).append(address)
    content = envelope.content if isinstance(envelope.content, bytes) else b""
    received = state.clock()
    return [
        (
            Request(
                body=content,
                method="SMTP",
                headers={
                    "content-type": "message/rfc822",
                    "x-envelope-from": _plain(envelope.mail_from or "<>"),
                    "x-envelope-to": _plain(", ".join(recipients[id])),
                    "x-envelope-peer": peer,
                },
                received=received,
            ),
            connection,
        )
        for id, connection in found.items()
    ]


def _refusal(refused: Refused) -> str:
    words = " ".join(_plain(refused.detail).split())[:200]
    words = words.encode("ascii", "replace").decode("ascii")
    if refused.status == 413 or refused.reason == "too-large":
        return f"552 5.3.4 {words}"
    if refused.status in (403, 404):
        return f"550 5.7.1 {words}"
    return f"554 5.6.0 {words}"


def _plain(text: str) -> str:
    """Replace the lone surrogates that stand for bytes that are no UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _log() -> Any:
    return structlog.get_logger("cx_channels.smtp.delivery")
