"""Try dead letters again that an operator asks for. They come after later records of their key."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cx_context.store.subscription_rows import Letter
from cx_events.log import LogReader, Partition
from cx_ops.subscriptions.cursors import Cursors
from cx_ops.subscriptions.delivery import Delivery, Sent
from cx_ops.subscriptions.receiver import Receiver
from cx_ops.subscriptions.subscription import Subscription
from cx_runtime.outbound.outcomes import Delivered, Gone, Later

WAIT_SECONDS = 5.0
NO_RECORD = "the log does not hold the record any more"


async def redrive(
    letters: Iterable[Letter],
    subscription: Subscription,
    cursors: Cursors,
    delivery: Delivery,
    receiver: Receiver,
    reader: LogReader,
    now: Callable[[], float],
) -> bool:
    """Send each once, while the receiver takes any; return whether there were some."""
    tried = False
    for letter in letters:
        if not receiver.is_asked(now()):
            break
        tried = True
        sent, redriven = Sent(), []
        failed = letter._replace(wanted=False, failures=letter.failures + 1, last_failed=now())
        outcome = await _post(letter, subscription, cursors, delivery, reader)
        if isinstance(outcome, Delivered):
            sent.ends_outage = receiver.delivered(now())
            sent.delivered[letter.number] = 1
            redriven.append(letter)
        elif isinstance(outcome, Gone):
            sent.gone = outcome
            sent.letters.append(failed._replace(reason="gone", detail=outcome.detail))
        else:
            receiver.failed((letter.number, letter.log_offset), outcome, now())
            sent.letters.append(failed._replace(reason=outcome.reason, detail=outcome.detail))
        await cursors.commit(sent, redriven=redriven)
        if sent.gone is not None:
            break
    return tried


async def _post(
    letter: Letter, subscription: Subscription, cursors: Cursors, delivery: Delivery, reader: LogReader
) -> Delivered | Gone | Later:
    if letter.log_offset < cursors.begins.get(letter.number, 0):
        return Later("no-record", NO_RECORD)
    reader.assign({Partition(subscription.name.topic, letter.number): letter.log_offset})
    records = await reader.read(1, wait=WAIT_SECONDS)
    if not records or records[0].offset != letter.log_offset:
        return Later("no-record", NO_RECORD)
    return await delivery.post(records[0])
