"""Send mail to a hub's SMTP door with swaks; needs swaks (``apt-get install swaks``)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time

import httpx2
from tests.clients.live_hub import KEY, LiveHub, live_hub
from tests.patience import PATIENCE

CONNECTION = {"provider": "email/mime", "settings": {"addresses": ["support@acme.example"]}}


def swaks(hub: LiveHub, *more: str) -> subprocess.CompletedProcess[str]:
    """Send a mail, and return what swaks said of it."""
    command = ["swaks", "--server", "127.0.0.1", "--port", str(hub.smtp_port), "--from", "ana@example.com", *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def read_context(hub: LiveHub) -> dict[str, object]:
    """Return Ana's context, once there is one."""
    until = time.monotonic() + PATIENCE
    with httpx2.Client(base_url=hub.url, headers={"authorization": f"Bearer {KEY}"}, timeout=PATIENCE) as client:
        while (answer := client.get("/v1/context", params={"identifier": "email:ana@example.com"})).status_code == 404:
            assert time.monotonic() < until, "the mail never came"
            time.sleep(0.1)
        return answer.raise_for_status().json()["body"]  # type: ignore[no-any-return]


def main() -> None:
    if shutil.which("swaks") is None:
        sys.exit("this client needs swaks, which is not here: apt-get install swaks")
    with live_hub({"connections": {"acme-mail": CONNECTION}}) as hub:
        taken = swaks(
            hub, "--to", "support@acme.example", "--header", "Subject: A café bill", "--body", "Twice, again."
        )
        assert taken.returncode == 0, taken.stdout + taken.stderr
        shown = str(read_context(hub))
        assert "Twice, again." in shown and "A café bill" in shown, shown
        refused = swaks(hub, "--to", "nobody@acme.example")
        assert refused.returncode == 24, refused.stdout + refused.stderr  # swaks: an error at RCPT TO
        assert "550" in refused.stdout, refused.stdout
    print("a mail taken and shown, one to nobody refused at RCPT TO")


if __name__ == "__main__":
    main()
