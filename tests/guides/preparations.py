"""Prepare what a guide assumes to be there when it comes to a section: customers, files, and what went wrong.

``prepare(shell, page, heading)`` is called before the first block below each heading.
"""

from __future__ import annotations

import asyncio
import smtplib
import subprocess
import time
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlencode

import httpx2
from tests.guides.shell import Shell
from tests.patience import PATIENCE

from cx_channels.batch import Batch
from cx_channels.dead_letters import MappingFailure
from cx_channels.provider import Connection, Request
from cx_context.store.dead_letters import LetterFilter
from cx_events.timestamps import Micros
from cx_hub.resources import load_tenants, opened_log, opened_store
from cx_ops.dead_letters.groups import find_groups
from cx_runtime.settings import Settings

LETTERS = 1_000
EXAMPLE = "schemas/events/cx.message.received/v1.example.json"
FORM = {"CallStatus": "ringing", "Direction": "inbound", "From": "+15550100123", "To": "+15550100199"}


def prepare(shell: Shell, page: str, heading: str) -> None:
    """Do what is assumed before the commands below this heading."""
    if (page, heading) in PREPARATIONS:
        PREPARATIONS[page, heading](shell)


def send_message(shell: Shell) -> None:
    """Send the example of a message, and wait until its customer can be read."""
    subprocess.run(
        ["cx", "events", "send", "--wait", str(PATIENCE), EXAMPLE], cwd=shell.folder, env=shell.environment, check=True
    )


def send_file(shell: Shell) -> None:
    """Send a mail with a file, and put the file's id into ``ATTACHMENT``."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Message-ID"] = "ana@example.com", "support@acme.example", "<m-2@example.com>"
    mail.set_content("My receipt is attached.")
    mail.add_attachment("4711", filename="receipt.txt")
    with smtplib.SMTP("127.0.0.1", int(shell.environment["CX_SMTP_PORT"])) as door:
        door.send_message(mail)
    shell.environment["ATTACHMENT"] = _until(lambda: _attachment_in(shell))


def _attachment_in(shell: Shell) -> str:
    # Asked in this process: a command each time takes a second of a processor.
    answer = httpx2.get(
        f"{shell.environment['CX_URL']}/v1/context",
        params={"identifier": "email:ana@example.com"},
        headers={"authorization": f"Bearer {shell.environment['CX_KEY']}"},
        trust_env=False,
        timeout=PATIENCE,
    )
    timeline = answer.json()["body"]["timeline"] if answer.status_code == 200 else []
    files: list[str] = [each["id"] for entry in timeline for each in entry.get("attachments") or []]
    return files[0] if files else ""


def configure_subscription(shell: Shell) -> None:
    """Configure the subscription as the page writes it. Its receiver is nobody's; the hub that runs has no such one."""
    text = (shell.folder / "docs" / "operators.md").read_text(encoding="utf-8")
    (shell.folder / "subscriptions.yaml").write_text(text.split("## Subscriptions")[1].split("```")[1][len("yaml") :])
    shell.environment |= {"CX_CONFIG": "subscriptions.yaml", "CRM_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}


def leave_dead_letters(shell: Shell) -> None:
    """Put dead letters on the log as an adapter with a fault leaves them, and a few that nobody can mend."""
    shell.environment.pop("CX_CONFIG", None)
    send_message(shell)
    asyncio.run(_leave_dead_letters(settings_of(shell)))


async def _leave_dead_letters(settings: Settings) -> None:
    ids = load_tenants(settings).ids("acme")
    connection = Connection("acme-calls", "acme", "voice/twilio")
    batch = Batch()
    began = time.time_ns() // 1_000
    for number in range(3):
        failure = MappingFailure(f"load-{number}", "malformed", "malformed: not a form", b"%")
        batch.add_dead_letters([failure], Request(b"%"), connection, began + number, ids)
    for number in range(LETTERS):
        batch.add_dead_letters([_fault(number)], _request(number), connection, began + 10 + number, ids)
    async with opened_log(settings) as log, opened_store(settings) as store:
        await log.append(batch.records)
        until = time.monotonic() + PATIENCE
        while sum(each.letters for each in await find_groups(store, LetterFilter())) < len(batch.records):
            assert time.monotonic() < until, "the dead letters never came into the store"
            await asyncio.sleep(0.1)


def _fault(number: int) -> MappingFailure:
    detail = f"KeyError: 'CallerName' of CA{number:032}"
    return MappingFailure(f"call-{number}", "adapter-fault", detail, _request(number).body)


def _request(number: int) -> Request:
    form = {"CallSid": f"CA{number:032}", **FORM}
    headers = {"content-type": "application/x-www-form-urlencoded"}
    received: Micros = time.time_ns() // 1_000
    return Request(urlencode(form).encode(), url="/v1/hooks/acme-calls", headers=headers, received=received)


def settings_of(shell: Shell) -> Settings:
    """Return the settings that a command finds in this shell."""
    named = {name: value for name, value in shell.environment.items() if name.startswith("CX_")}
    return Settings(
        home=shell.folder / named.get("CX_HOME", ".cx"),
        log_url=named.get("CX_LOG_URL", ""),
        store_url=named.get("CX_STORE_URL", ""),
        config=Path(named["CX_CONFIG"]) if "CX_CONFIG" in named else None,
    )


def _until(ask: Callable[[], str]) -> str:
    """Ask again and again, until there is an answer."""
    until = time.monotonic() + PATIENCE
    while not (found := ask()):
        assert time.monotonic() < until, "it never came"
        time.sleep(0.2)
    return found


PREPARATIONS: Mapping[tuple[str, str], Callable[[Shell], None]] = {
    ("docs/integrating.md", "See everything that was sent"): send_file,
    ("docs/operators.md", "Rebuild"): send_message,
    ("docs/operators.md", "Subscriptions"): configure_subscription,
    ("docs/operators.md", "Looking after it"): leave_dead_letters,
}
