"""STARTTLS of the mail server (RFC 3207), as settings ask for it, in a process as operators run it."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from tests.patience import PATIENCE
from tests.processes import Running, running

from cx_events.errors import Fatal
from cx_hub.mail_certificate import MailCertificate, mail_certificate
from cx_runtime.settings import Settings

pytestmark = pytest.mark.clock

MAIL = b"From: ana@example.com\r\nMessage-ID: <tls@example.com>\r\nSubject: Hi\r\n\r\nHello\r\n"
TO = "support@acme.example"


class Certified:
    """An authority and a certificate of it, in the files that settings name."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.cert, self.key = folder / "mail.pem", folder / "mail.key"
        self.issue()

    def issue(self) -> None:
        """Write a fresh certificate and its key."""
        issued = self.authority.issue_cert("127.0.0.1")
        self.cert.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        self.key.write_bytes(issued.private_key_pem.bytes())

    def client(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

    def settings(self, home: Path, **more: str) -> dict[str, str]:
        return {"CX_HOME": str(home), "CX_SMTP_TLS_CERT": str(self.cert), "CX_SMTP_TLS_KEY": str(self.key), **more}


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    return Certified(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def hub(certified: Certified, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("hub")
    with running("run channels", certified.settings(folder / "home"), folder / "said") as hub:
        yield hub


def client(hub: Running) -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", hub.smtp_port, local_hostname="client.example.com", timeout=PATIENCE)


def test_mail_is_taken_over_tls_after_a_second_ehlo(hub: Running, certified: Certified) -> None:
    with client(hub) as mail:
        mail.ehlo()
        assert mail.has_extn("starttls")
        assert mail.starttls(context=certified.client())[0] == 220
        assert mail.docmd("MAIL FROM:<ana@example.com>")[0] == 503, "what was said before TLS counts no more"
        mail.ehlo()
        assert not mail.has_extn("starttls")
        assert mail.sendmail("ana@example.com", [TO], MAIL) == {}


def test_mail_without_tls_is_taken_unless_it_is_required(hub: Running) -> None:
    with client(hub) as mail:
        assert mail.sendmail("ana@example.com", [TO], MAIL) == {}


def test_commands_in_clear_after_starttls_are_ignored(hub: Running, certified: Certified) -> None:
    injected = b"STARTTLS\r\nEHLO attacker\r\nMAIL FROM:<eve@example.com>\r\nRCPT TO:<support@acme.example>\r\nDATA\r\n"
    with socket.create_connection(("127.0.0.1", hub.smtp_port), timeout=PATIENCE) as plain:
        assert plain.recv(1000).startswith(b"220")
        plain.sendall(b"EHLO client\r\n")
        while b"250 " not in plain.recv(10_000):
            pass
        plain.sendall(injected)
        assert plain.recv(1000).startswith(b"220")
        with certified.client().wrap_socket(plain, server_hostname="127.0.0.1") as encrypted:
            encrypted.sendall(b"NOOP\r\n")
            assert encrypted.recv(1000).startswith(b"250"), "the answer to NOOP, and to nothing before it"
            encrypted.sendall(b"RCPT TO:<support@acme.example>\r\n")
            assert encrypted.recv(1000).startswith(b"503")


def test_mail_without_required_tls_is_refused(certified: Certified, tmp_path: Path) -> None:
    settings = certified.settings(tmp_path / "home", CX_SMTP_REQUIRE_TLS="true")
    with running("run channels", settings, tmp_path / "said") as hub, client(hub) as mail:
        mail.ehlo()
        assert mail.docmd("MAIL FROM:<ana@example.com>")[0] == 530
        mail.starttls(context=certified.client())
        assert mail.sendmail("ana@example.com", [TO], MAIL) == {}


def test_a_renewed_certificate_is_served_without_a_restart(tmp_path: Path) -> None:
    certified = Certified(tmp_path)
    kept = MailCertificate(certified.cert, certified.key)
    first = served(kept, certified)
    assert not kept.renew()
    key = certified.key.read_bytes()
    certified.issue()
    renewed_key = certified.key.read_bytes()
    certified.key.write_bytes(key)
    assert not kept.renew(), "a certificate whose key has not come yet"
    assert served(kept, certified) == first
    certified.key.write_bytes(renewed_key)
    assert kept.renew()
    assert served(kept, certified) != first


def served(kept: MailCertificate, certified: Certified) -> bytes | None:
    """The certificate that a client is shown."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = kept.context.wrap_bio(to_server, to_client, server_side=True)
    asking = certified.client().wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    for _ in range(10):
        for side in (asking, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return asking.getpeercert(binary_form=True)


def test_half_a_configuration_stops_the_start(tmp_path: Path) -> None:
    certified = Certified(tmp_path)
    with pytest.raises(Fatal, match="belong together"):
        mail_certificate(Settings(smtp_tls_cert=certified.cert))
    with pytest.raises(Fatal, match="CX_SMTP_REQUIRE_TLS needs"):
        mail_certificate(Settings(smtp_require_tls=True))
    assert mail_certificate(Settings()) is None


def test_files_that_are_no_certificate_stop_the_start(tmp_path: Path) -> None:
    certified = Certified(tmp_path)
    with pytest.raises(Fatal, match=r"CX_SMTP_TLS_CERT, CX_SMTP_TLS_KEY: .*absent"):
        MailCertificate(tmp_path / "absent", certified.key)
    with pytest.raises(Fatal, match="CX_SMTP_TLS_CERT"):
        MailCertificate(certified.cert, certified.cert)
