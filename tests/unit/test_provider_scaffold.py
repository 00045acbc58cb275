"""``cx provider new``: the folder that it writes, and the way from there to a provider that keeps the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
from tests.contract import mapping_checks, signature_checks
from tests.contract.provider_cases import cases_of, folder_of

import cx_channels.chat
from cx_channels.provider import Provider
from cx_events.errors import Refused
from cx_hub.commands.providers import scaffold

WRITTEN = {
    "    return request\n": "    return with_headers(request, {HEADER: hmac_of(secret, request.body)})\n",
    '    raise Refused("bad-signature", "signature.py: verify is not written yet", 401)\n': (
        "    given = request.headers.get(HEADER.lower())\n"
        "    check_signature(given, [request.body], connection.secrets, header=HEADER)\n"
    ),
    'gaps={"url": "", "time": ""}': 'gaps={"url": "the vendor signs the body", "time": "none is signed"}',
    "from cx_channels.provider import": (
        "from cx_channels.kit.signing import check_signature, with_headers\n"
        "from cx_channels.kit.signing import sign as hmac_of\n"
        "from cx_channels.provider import"
    ),
}
"""What somebody writes into ``signature.py``, by what stands there."""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder beside that of the chat providers: what lies in its ``chat`` is found like one of them."""
    monkeypatch.setattr(cx_channels.chat, "__path__", [*cx_channels.chat.__path__, str(tmp_path / "chat")])
    yield tmp_path


def failures(provider: Provider) -> dict[str, str]:
    """Return the checks that fail, with what each says."""
    found = {}
    checks: dict[str, Callable[[Provider], None]] = {
        "declared": signature_checks.check_declared,
        **signature_checks.CHECKS,
        **mapping_checks.CHECKS,
    }
    for name, check in checks.items():
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


def test_what_the_failures_say_makes_a_provider(root: Path) -> None:
    folder = scaffold("chat/toy_done", root)
    signature = (folder / "signature.py").read_text()
    for before, after in WRITTEN.items():
        assert before in signature
        signature = signature.replace(before, after)
    (folder / "signature.py").write_text(signature)
    (folder / "fixtures" / "kinds").mkdir()
    (folder / "fixtures" / "kinds" / "typing.json").write_text('{"type":"typing"}')
    package = (folder / "__init__.py").read_text()
    declared = '    weights={"toy_done": {"claimed": "the sender chooses the name"}},\n)\n'
    (folder / "__init__.py").write_text(package.replace("\n)\n", f"\n{declared}"))
    provider: Provider = import_module("cx_channels.chat.toy_done").PROVIDER
    (folder / "golden").mkdir()
    for case in cases_of(provider):
        if not case.name.startswith("kinds/"):
            golden = folder_of(provider) / "golden" / f"{case.path.name}.jsonl"
            golden.write_bytes(mapping_checks.golden_lines(provider, case))
    assert failures(provider) == {}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("fax/acme", "bad-channel"),
        ("chat", "bad-channel"),
        ("chat/", "bad-name"),
        ("chat/Acme", "bad-name"),
        ("chat/../acme", "bad-name"),
        ("chat/a-b", "bad-name"),
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
