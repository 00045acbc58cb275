"""The command says which release it is, and completes what a shell asks for."""

from __future__ import annotations

import pytest

from cx_hub.cli import run
from cx_runtime.release import release


def test_the_command_prints_its_version(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capfd.readouterr().out == f"cx {release()}\n"


@pytest.mark.parametrize(
    ("words", "number", "completed"),
    [
        ("cx cust", 1, ["customer"]),
        ("cx customer s", 2, ["show"]),
        ("cx customer show --as", 3, ["--as-of", "--assurance"]),
    ],
)
def test_a_shell_is_told_how_words_go_on(
    words: str, number: int, completed: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_CX_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(number))
    assert run([]) == 0
    assert capfd.readouterr().out.split() == completed


def test_the_completion_of_a_shell_is_shown(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/bash")
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    assert run(["--show-completion", "bash"]) == 0
    assert "_CX_COMPLETE" in capfd.readouterr().out
