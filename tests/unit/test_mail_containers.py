"""What is wrapped is read: S/MIME's signed messages, Outlook's winmail.dat, rich text; what is encrypted is named."""

from __future__ import annotations

import base64
import datetime
import json
import struct
import zlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from hypothesis import given
from hypothesis import strategies as st

from cx_channels.email.mime import PROVIDER
from cx_channels.kit.mail.mime.cms import opened
from cx_channels.kit.mail.mime.parse import content_at
from cx_channels.kit.mail.mime.rtf import decompressed, without_rtf
from cx_channels.kit.mail.mime.tnef import unpacked
from cx_channels.provider import Connection, Request
from cx_events.envelope import Message

ACME = Connection("mail", "acme", "email/mime", settings={"addresses": ["support@acme.example"]})
INNER = (
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nPlease refund me.\r\n--b\r\n"
    b"Content-Type: application/pdf; name=i.pdf\r\n\r\nx\r\n--b--\r\n"
)


def read(raw: str) -> tuple[Message, dict[str, Any]]:
    (draft,) = PROVIDER.map(Request(f"From: Ana <ana@example.com>\n{raw}".encode(), "SMTP"), ACME).drafts
    assert draft.data.message is not None
    return draft.data.message, json.loads(bytes(draft.data.raw))  # type: ignore[arg-type]


def attached(content: bytes, kind: str, name: str) -> str:
    head = f'Content-Type: {kind}; name="{name}"\nContent-Transfer-Encoding: base64\n'
    return f'{head}Content-Disposition: attachment; filename="{name}"\n\n{base64.encodebytes(content).decode()}'


def beside(text: str, part: str) -> str:
    return f"Content-Type: multipart/mixed; boundary=o\n\n--o\n\n{text}\n--o\n{part}\n--o--\n"


# --- S/MIME ----------------------------------------------------------------------------------------------------------


def signed(content: bytes) -> bytes:
    """A message that a program signs, with the content inside (RFC 8551, section 3.5.2)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Ana")])
    begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=9_999))
        .sign(key, hashes.SHA256())
    )
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(certificate, key, hashes.SHA256())
    return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def tlv(tag: int, content: bytes, *, left_open: bool = False) -> bytes:
    if left_open:
        return bytes((tag, 0x80)) + content + b"\0\0"
    size = len(content)
    return bytes((tag,)) + (bytes((size,)) if size < 128 else b"\x84" + size.to_bytes(4, "big")) + content


def in_pieces(content: bytes, kind: str = "2a864886f70d010702") -> bytes:
    """A message in BER as mail programs stream it: lengths left open, the content in pieces."""
    pieces = b"".join(tlv(4, content[at : at + 10]) for at in range(0, len(content), 10))
    octets = tlv(0x24, tlv(0x24, pieces, left_open=True), left_open=True)
    data = tlv(6, bytes.fromhex("2a864886f70d010701"))
    held = tlv(0x30, data + tlv(0xA0, octets, left_open=True), left_open=True)
    algorithms = tlv(0x31, tlv(0x30, b"", left_open=True), left_open=True)
    inner = tlv(0x30, tlv(2, b"\1") + algorithms + held + tlv(0x31, b""), left_open=True)
    return tlv(0x30, tlv(6, bytes.fromhex(kind)) + tlv(0xA0, inner, left_open=True), left_open=True)


TYPES = [
    "application/pkcs7-mime; smime-type=signed-data",
    "application/x-pkcs7-mime",
    "application/octet-stream",
]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("make", [signed, in_pieces])
def test_a_signed_message_is_read(kind: str, make: Any) -> None:
    raw = attached(make(INNER), kind, "smime.p7m")
    for mail in (raw, beside("", raw)):
        message, kept = read(mail)
        assert message.text == "Please refund me."
        assert [each.name for each in message.attachments] == ["i.pdf"]
        assert content_at(f"From: x\n{mail}".encode(), message.attachments[0].part) == b"x"
        assert "left_out" not in kept


def test_a_compressed_message_is_read() -> None:
    content = in_pieces(zlib.compress(INNER), "2a864886f70d0109100109")
    message, _ = read(attached(content, "application/pkcs7-mime; smime-type=compressed-data", "smime.p7z"))
    assert message.text == "Please refund me."


def test_a_message_signed_twice_is_read() -> None:
    once = attached(signed(INNER), "application/pkcs7-mime", "smime.p7m")
    message, _ = read(attached(signed(once.encode()), TYPES[0], "smime.p7m"))
    assert message.text == "Please refund me."


@pytest.mark.parametrize("oid", ["2a864886f70d010703", "2a864886f70d010706", "2a864886f70d0109100117"])
def test_an_encrypted_message_is_reported_and_kept_as_file(oid: str) -> None:
    content = tlv(0x30, tlv(6, bytes.fromhex(oid)) + tlv(0xA0, b"\x30\0"))
    message, kept = read(attached(content, "application/pkcs7-mime; smime-type=enveloped-data", "smime.p7m"))
    assert message.text == ""
    assert [each.name for each in message.attachments] == ["smime.p7m"]
    assert kept["left_out"] == ["encrypted"]


def test_certificates_alone_stay_a_file() -> None:
    message, kept = read(beside("Mine:", attached(b"\x30\x03\x02\x01\x00", "application/pkcs7-mime", "smime.p7c")))
    assert message.text == "Mine:"
    assert [each.name for each in message.attachments] == ["smime.p7c"]
    assert "left_out" not in kept


@given(st.data())
def test_a_cut_container_gives_its_beginning_without_raising(data: st.DataObject) -> None:
    whole = in_pieces(b"0123456789" * 5)
    cut = data.draw(st.integers(0, len(whole)))
    assert (b"0123456789" * 5).startswith(opened(whole[:cut]).content or b"")
    opened(data.draw(st.binary(max_size=60)))
    spoiled = bytearray(whole)
    spoiled[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    opened(bytes(spoiled))


# --- winmail.dat -----------------------------------------------------------------------------------------------------


def attribute(level: int, id: int, content: bytes) -> bytes:
    return struct.pack("<BII", level, id, len(content)) + content + struct.pack("<H", sum(content) & 0xFFFF)


def properties(*each: tuple[int, int, bytes]) -> bytes:
    """MAPI properties: type, id, value."""
    out = [struct.pack("<I", len(each))]
    for kind, id, value in each:
        out.append(struct.pack("<HH", kind, id))
        if id >= 0x8000:
            out.append(bytes(16) + struct.pack("<II", 0, 7))
        if kind in (0x1E, 0x1F, 0x102, 0x0D):
            out.append(struct.pack("<II", 1, len(value)))
        out.append(value + bytes(-len(value) % 4))
    return b"".join(out)


def winmail(*attributes: bytes) -> bytes:
    return struct.pack("<IH", 0x223E9F78, 1) + b"".join(attributes)


CODE_PAGE = attribute(1, 0x00069007, struct.pack("<II", 1251, 0))
FILE = (
    attribute(2, 0x00069002, bytes(14))
    + attribute(2, 0x00018010, b"PRICE~1.PDF\0")
    + attribute(2, 0x0006800F, b"%PDF-1")
    + attribute(
        2,
        0x00069005,
        properties(
            (3, 0x3705, struct.pack("<I", 1)),
            (0x1F, 0x3707, "Цены.pdf\0".encode("utf-16-le")),
            (0x1E, 0x370E, b"application/pdf\0"),
            (0x1E, 0x3712, b"<p1@x>\0"),
        ),
    )
)
RTF = (
    rb"{\rtf1\ansi\ansicpg1251 {\fonttbl{\f0\fcharset204 Arial;}}\pard \'cf\'f0\'e8\'e2\'e5\'f2, "
    rb"\u1084?\u1080?\u1088?!\par\b end\b0 }"
)
UNPACKED = b"\0\0\0\0" + struct.pack("<I4sI", len(RTF), b"MELA", 0) + RTF

BODIES = [
    (attribute(1, 0x0002800C, "Привет, мир!\r\nend\0".encode("cp1251")), "Привет, мир!\nend"),
    (
        attribute(1, 0x00069003, properties((0x1F, 0x1000, "Привет, мир!\nend\0".encode("utf-16-le")))),
        "Привет, мир!\nend",
    ),
    (attribute(1, 0x00069003, properties((0x1E, 0x1000, "Привет\0".encode("cp1251")))), "Привет"),
    (
        attribute(
            1,
            0x00069003,
            properties(
                (3, 0x3FDE, struct.pack("<I", 65001)),
                (0x1E, 0x8005, b"x"),
                (0x102, 0x1013, "<p>Привет</p>".encode()),
            ),
        ),
        "Привет",
    ),
    (attribute(1, 0x00069003, properties((0x102, 0x1009, UNPACKED))), "Привет, мир!\nend"),
]


@pytest.mark.parametrize(("body", "text"), BODIES)
@pytest.mark.parametrize("kind", ["application/ms-tnef", "application/vnd.ms-tnef", "application/octet-stream"])
def test_winmail_dat_is_unpacked(kind: str, body: bytes, text: str) -> None:
    raw = attached(winmail(CODE_PAGE, body, FILE), kind, "winmail.dat")
    for mail in (raw, beside("", raw)):
        message, _ = read(mail)
        assert message.text == text
        (file,) = message.attachments
        assert (file.name, file.content_type, file.bytes, file.cid) == ("Цены.pdf", "application/pdf", 6, "p1@x")
        assert content_at(f"From: x\n{mail}".encode(), file.part) == b"%PDF-1"


def test_what_winmail_dat_says_again_is_not_read_twice() -> None:
    message, _ = read(beside("Hello", attached(winmail(BODIES[0][0], FILE), "application/ms-tnef", "winmail.dat")))
    assert message.text == "Hello"
    assert [each.name for each in message.attachments] == ["Цены.pdf"]


def test_an_invalid_winmail_dat_stays_a_file() -> None:
    message, _ = read(beside("Hello", attached(b"no TNEF", "application/ms-tnef", "winmail.dat")))
    assert [each.name for each in message.attachments] == ["winmail.dat"]


@given(st.data())
def test_no_stream_raises(data: st.DataObject) -> None:
    whole = winmail(CODE_PAGE, *(body for body, _ in BODIES), FILE)
    spoiled = bytearray(whole[: data.draw(st.integers(4, len(whole)))])
    for _ in range(data.draw(st.integers(0, 3))):
        spoiled[data.draw(st.integers(4, len(spoiled) - 1)) if len(spoiled) > 4 else 0] = data.draw(st.integers(0, 255))
    unpacked(bytes(spoiled))


# --- rich text -------------------------------------------------------------------------------------------------------

# The example of [MS-OXRTFCP], section 4.1.
COMPRESSED = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
)


def test_compressed_rich_text_is_read() -> None:
    assert decompressed(COMPRESSED) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert without_rtf(decompressed(COMPRESSED)).plain == "hello world"


HIDDEN_HTML = (
    rb"{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0\fswiss Arial;}}{\*\htmltag64 <p class=x>}"
    rb"\htmlrtf {\b \htmlrtf0 caf\'e9 {\*\htmltag84 &nbsp;}\htmlrtf \'a0 }\htmlrtf0 \{x\}{\*\mhtmltag64 no}"
    rb"{\*\htmltag72 </p>}{\pict 0123}\htmlrtf\par\htmlrtf0}"
)


def test_html_that_outlook_hid_in_rich_text_is_found() -> None:
    assert without_rtf(HIDDEN_HTML).html == "<p class=x>café &nbsp;{x}</p>"


def test_letters_beyond_the_first_plane_are_joined() -> None:
    assert without_rtf(rb"{\rtf1 \u-10179?\u-8704?{\uc2 \u233 ab}c}").plain == "😀éc"


@given(st.lists(st.sampled_from([*RTF.split(b" "), *HIDDEN_HTML.split(b"{"), b"{", b"}", b"\\bin9", b"\\u9", b"\\'f"])))
def test_no_rich_text_raises(pieces: list[bytes]) -> None:
    without_rtf(b"{\\rtf1 " + b" ".join(pieces))


@given(st.binary(max_size=200))
def test_no_compressed_bytes_raise(content: bytes) -> None:
    assert len(decompressed(struct.pack("<II4sI", 0, 300, b"LZFu", 0) + content)) < 320
