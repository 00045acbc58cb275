"""A real mail server: Dovecot as Debian has it (``apt-get install dovecot-imapd``), on a free port, over TLS.

Where there is none the tests are skipped, but never under ``CI``.
"""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests import one_clock
from tests.mailbox_server import PASSWORD, USER, Authority
from tests.patience import PATIENCE

from cx_hub.stack.processes import free_port

_CONFIG = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
login_trusted_networks =
default_internal_user = {internal}
default_login_user = {login}
default_internal_group = {group}
mail_location = maildir:{folder}/mail
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 0
ssl = required
ssl_cert = <{cert}
ssl_key = <{key}
disable_plaintext_auth = yes
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {starttls_port}
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


@dataclass
class Dovecot:
    """``folder``: of its files. ``port``: with TLS from the first byte; ``starttls_port``: by STARTTLS."""

    folder: Path
    authority: Authority
    port: int = 0
    starttls_port: int = 0
    process: subprocess.Popen[bytes] | None = None
    _delivered: int = 0

    def write_config(self) -> Path:
        """Write its configuration. A daemon of root gives up rights to Debian's accounts; another keeps its own."""
        is_root = os.getuid() == 0
        names = ("dovecot", "dovenull", "dovecot") if is_root else (getpass.getuser(), getpass.getuser(), "")
        internal, login, group = names
        path = self.folder / "dovecot.conf"
        path.write_text(
            _CONFIG.format(
                folder=self.folder,
                internal=internal,
                login=login,
                group=group or os.getgid(),
                uid=self.mail_owner[0],
                gid=self.mail_owner[1],
                cert=self.authority.cert,
                key=self.authority.key,
                port=self.port,
                starttls_port=self.starttls_port,
            )
        )
        (self.folder / "users").write_text(f"{USER}:{PASSWORD}\n")
        for name in ("run", "state", "home", "mail"):
            (self.folder / name).mkdir(exist_ok=True)
        self._give(self.folder / "home", self.folder / "mail")
        return path

    @property
    def mail_owner(self) -> tuple[int, int]:
        """The account and group of mailboxes; Dovecot lets nobody in as root."""
        if os.getuid():
            return os.getuid(), os.getgid()
        mail = pwd.getpwnam("mail")
        return mail.pw_uid, mail.pw_gid

    def _give(self, *paths: Path) -> None:
        for path in paths:
            os.chown(path, *self.mail_owner)

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = [shutil.which("dovecot") or "", "-F", "-c", str(self.write_config())]
        # It keeps the machine's own time: it compares its clock with the times of files.
        environment = {name: value for name, value in os.environ.items() if name not in one_clock.HIDDEN}
        self.process = subprocess.Popen(command, env=environment)
        until = time.monotonic() + PATIENCE
        while not _answers(self.port):
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < until
            time.sleep(0.05)

    def stop(self) -> None:
        """End it with all its processes."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)
            self.process = None

    def deliver(self, content: bytes, folder: str = "") -> None:
        """Put a mail into a folder as a delivery agent does (Maildir); ``folder``: as Maildir has it, "" is INBOX."""
        place = self.folder / "mail" / folder
        for name in ("tmp", "new", "cur"):
            (place / name).mkdir(parents=True, exist_ok=True)
            self._give(place, place / name)
        self._delivered += 1
        name = f"{int(time.time())}.M{self._delivered}P{os.getpid()}.acme"
        (place / "tmp" / name).write_bytes(content)
        self._give(place / "tmp" / name)
        (place / "tmp" / name).rename(place / "new" / name)

    def empty(self) -> None:
        """Throw all mails away, with what Dovecot noted of them."""
        shutil.rmtree(self.folder / "mail", ignore_errors=True)
        (self.folder / "mail").mkdir(exist_ok=True)
        self._give(self.folder / "mail")

    def forget_uids(self) -> None:
        """Throw away what Dovecot noted of the mails, as after a restore: it counts anew under another UIDVALIDITY."""
        for path in (self.folder / "mail").glob("dovecot*"):
            path.unlink()
        noted = self.folder / "mail" / "dovecot-uidlist"
        noted.write_text(f"3 V{int(one_clock.own_time()) + 1000} N1 G{'1' * 32}\n")
        self._give(noted)

    def flags(self) -> list[str]:
        """Return the flags of each mail in INBOX, as Maildir has them; "" is unread."""
        place = self.folder / "mail"
        names = [path.name for each in ("new", "cur") for path in (place / each).iterdir()]
        return [name.partition(":2,")[2] for name in names]


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1.0):
            return True
    except OSError:
        return False


@contextmanager
def dovecot() -> Iterator[Dovecot]:
    """A server that runs until the block ends. Its files are where other accounts come, too."""
    if shutil.which("dovecot") is None:
        if os.environ.get("CI"):
            pytest.fail("Dovecot is not here: apt-get install dovecot-imapd")
        pytest.skip("Dovecot is not here: apt-get install dovecot-imapd")
    with tempfile.TemporaryDirectory(prefix="dovecot-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Dovecot(folder, Authority(folder), free_port(), free_port())
        try:
            server.start()
            yield server
        finally:
            server.stop()
