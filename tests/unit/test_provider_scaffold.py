"""``cx provider new``: the folder that it writes, and the way from there to a provider that keeps the contract."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from tests.contract import mapping_checks, signature_checks
from tests.contract.provider_faults import CHECKS, faulty_variants, rebuilt_check

import cx_channels.chat
from cx_channels.provider import Provider
from cx_events.errors import Refused
from cx_hub.commands.providers import scaffold

TIMED_SIGNATURE = '''"""Check that Toy sent a request. toy.example/docs/webhooks, "Signatures"."""

from __future__ import annotations

from cx_channels.kit.signing import check_age, check_signature, with_headers
from cx_channels.kit.signing import sign as hmac_of
from cx_channels.kit.times import unix_seconds
from cx_channels.provider import Connection, Request, Signature
from cx_events.errors import Refused

HEADER, TIME = "X-Toy-Signature", "X-Toy-Time"
TOLERANCE = 300

SIGNATURE = Signature(
    headers=(HEADER.lower(), TIME.lower()),
    covers=frozenset({"body", "time"}),
    gaps={"url": "Toy signs time and body alone (docs/webhooks)"},
    tolerance_seconds=TOLERANCE,
)


def _content(time: str, request: Request) -> bytes:
    return f"{time}.".encode("utf-8", "replace") + request.body


def sign(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request as Toy sends it, signed with one secret."""
    time = str(request.received // 1_000_000)
    return with_headers(request, {HEADER: hmac_of(secret, _content(time, request)), TIME: time})


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401) unless one of the connection's secrets signed the request."""
    time = request.headers.get(TIME.lower(), "")
    check_signature(
        request.headers.get(HEADER.lower()), [_content(time, request)], connection.secrets, header=HEADER
    )
    at = unix_seconds(time)
    if at is None:
        raise Refused("bad-signature", f"{TIME} is no time", 401)
    check_age(at, request.received, TOLERANCE, header=TIME)
'''
"""What somebody writes into ``signature.py`` for a vendor that signs the time and the body."""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder beside that of the chat providers: what lies in its ``chat`` is found like one of them."""
    monkeypatch.setattr(cx_channels.chat, "__path__", [*cx_channels.chat.__path__, str(tmp_path / "chat")])
    yield tmp_path


def failures(provider: Provider) -> dict[str, str]:
    """Return the checks that fail, with what each says."""
    found = {}
    for name, check in CHECKS.items():
        try:
            check(provider)
        except AssertionError as error:
            found[name] = str(error).partition("\n")[0]
    return found


def test_a_new_folder_fails_with_what_to_do(root: Path) -> None:
    scaffold("chat/toy_new", root)
    found = failures(import_module("cx_channels.chat.toy_new").PROVIDER)
    assert "give a reason" in found["declared"]
    assert "write it with CX_UPDATE_GOLDEN=1" in found["golden_files"]
    assert "reaches typing" in found["kinds_are_reached"]
    assert "lacking: [('toy_new', 'claimed')]" in found["events_are_valid"]


def test_the_hints_of_a_new_folder_make_a_signature(root: Path) -> None:
    folder = scaffold("chat/toy_hinted", root)
    lines = (folder / "signature.py").read_text().splitlines()
    hints = [line.replace("#     ", "") if line.strip().startswith("#     ") else line for line in lines]
    wanted = [line for line in hints if line.strip() != "return request" and "is not written yet" not in line]
    text = "\n".join(wanted).replace('"url": "", "time": ""', '"url": "Toy signs no URL", "time": "Toy signs no time"')
    (folder / "signature.py").write_text(text)
    found = failures(import_module("cx_channels.chat.toy_hinted").PROVIDER)
    assert set(found).isdisjoint(signature_checks.CHECKS), found


def test_a_new_folder_names_its_modules(root: Path) -> None:
    folder = scaffold("chat/toy_named", root)
    told = import_module("cx_channels.chat.toy_named").__doc__ or ""
    modules = {each.stem for each in folder.glob("*.py")} - {"__init__"}
    assert set(re.findall(r"``(\w+)``", told.partition("Modules:")[2])) == modules


def test_a_hyphen_becomes_an_underscore_in_the_folder(root: Path) -> None:
    assert scaffold("chat/toy-two-words", root).name == "toy_two_words"
    assert import_module("cx_channels.chat.toy_two_words").PROVIDER.name == "chat/toy-two-words"


def test_a_finished_folder_passes_and_its_faults_are_caught(root: Path) -> None:
    folder = scaffold("chat/toy_done", root)
    (folder / "signature.py").write_text(TIMED_SIGNATURE)
    (folder / "fixtures" / "kinds").mkdir()
    (folder / "fixtures" / "kinds" / "typing.json").write_text('{"type":"typing"}')
    package = (folder / "__init__.py").read_text()
    declared = '    weights={"toy_done": {"claimed": "the sender chooses the name"}},\n)\n'
    (folder / "__init__.py").write_text(package.replace("\n)\n", f"\n{declared}"))
    provider: Provider = import_module("cx_channels.chat.toy_done").PROVIDER
    mapping_checks.write_golden_files(provider)
    assert failures(provider) == {}
    for check in signature_checks.CHECKS.values():
        check(rebuilt_check(provider))
    planted = list(faulty_variants(provider))
    assert {"ignores_the_age", "hashes_ten_bytes", "knows_the_first_secret_only"} <= {fault for fault, _, _ in planted}
    for _, faulty, name in planted:
        with pytest.raises(AssertionError):
            CHECKS[name](faulty)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("fax/acme", "bad-channel"),
        ("chat", "bad-channel"),
        ("chat/", "bad-name"),
        ("chat/Acme", "bad-name"),
        ("chat/../acme", "bad-name"),
        ("chat/a b", "bad-name"),
        ("chat/" + "a" * 41, "bad-name"),
    ],
)
def test_a_name_that_cannot_be_is_refused(root: Path, name: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        scaffold(name, root)
    assert caught.value.reason == reason
    assert not list(root.iterdir())


def test_a_folder_that_exists_is_left_alone(root: Path) -> None:
    folder = scaffold("chat/toy_twice", root)
    (folder / "mapping.py").write_text("# mine\n")
    with pytest.raises(Refused, match="exists"):
        scaffold("chat/toy_twice", root)
    assert (folder / "mapping.py").read_text() == "# mine\n"
