"""Commands with arguments that nobody would type: each ends with 0, 1 or 2 and says what is wrong.

    python -m tests.command_fuzz [--examples N] [--seed N]

Each runs in a folder and a home of its own, beside nothing: no hub answers. The suite runs a short form
(``tests/unit/test_command_fuzz.py``).
"""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
from hypothesis import strategies as st
from tests.commands import Command, Printed, command_tree, printed, replaced

LEFT_OUT: Mapping[str, str] = {
    "demo": "goes on",
    "test": "passes all to pytest",
    "up": "goes on",
    "run": "goes on",
    "mcp": "reads stdin for ever",
    "bench": "measures for minutes",
    "stack start": "starts servers",
    "stack fetch": "downloads",
    "stack tool": "one of Kafka's own",
    "provider new": "writes into the clone",
}
GOES_ON = frozenset({"-f", "--follow"})
DONE, FAILED, REFUSED, IGNORED = 0, 1, 2, 3

HOSTILE = (
    *(
        "",
        " ",
        "-",
        "--",
        "-1",
        "0",
        "1e999",
        "nan",
        "true",
        "null",
        "\udcff",
        "ä",
        "\u202e",
        "\x1b[31m",
        "[bold]",
        "%s",
    ),
    *(
        "a" * 5_000,
        ".",
        "..",
        "/",
        "no/such/file",
        "chat/acme",
        "voice/twilio",
        "sqlite:///x.db#t",
        "kafka://127.0.0.1:9#t",
    ),
    *(
        "http://127.0.0.1:9/x",
        "https://[::1",
        "out.jsonl",
        "7d",
        "2020-01-01T00:00:00Z",
        "3/5",
        "10x",
        "a=1",
        "type=cx.*",
    ),
    *("ana@example.com", "+15550100123", "00000000-0000-8000-8000-000000000001", "//a#b", "acme", "x:", ":x", "N: V"),
)
_values = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(blacklist_characters="\0"), max_size=40))


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """Draw a command with some of its options, and about as many arguments as it wants."""
    tree = {path: each for path, each in command_tree().items() if path not in LEFT_OUT}
    command = tree[draw(st.sampled_from(sorted(tree)))]
    wanted = max(0, command.arguments + draw(st.sampled_from((0, 0, 0, 1, -1))))
    parts = [[draw(_values)] for _ in range(wanted)]
    parts += [draw(_option(command)) for _ in range(draw(st.integers(0, 4)))]
    return [*command.path.split(), *(each for part in draw(st.permutations(parts)) for each in part)]


@st.composite
def _option(draw: st.DrawFn, command: Command) -> list[str]:
    options = [each for each in command.options if not GOES_ON & set(each.names)]
    if not options or draw(st.integers(0, 9)) == 0:
        return [draw(st.sampled_from(("--no-such-option", "-x", "--output", "-o")))]
    option = draw(st.sampled_from(options))
    name = draw(st.sampled_from(option.names))
    return [name, draw(st.sampled_from(option.choices) if option.choices else _values)] if option.takes else [name]


def faults_of(line: Sequence[str], told: Printed) -> list[str]:
    """Return what no user should meet."""
    said = told.err.strip()
    allowed = {DONE, FAILED, REFUSED, *({IGNORED} if line[0] == "map" else ())}
    return [
        *([f"exit {told.code}"] if told.code not in allowed else ()),
        *(["a trace"] if "Traceback" in said + told.out else ()),
        *(["a fault of ours"] if "a fault of ours" in said else ()),
        *(["no reason"] if told.code in (FAILED, REFUSED) and not said + told.out.strip() else ()),
    ]


@contextmanager
def nowhere() -> Iterator[None]:
    """An empty folder, and settings under which nothing answers."""
    folder, environment = Path.cwd(), dict(os.environ)
    for name in [each for each in environment if each.startswith("CX_")]:
        del os.environ[name]
    with TemporaryDirectory(ignore_cleanup_errors=True) as empty:
        os.environ |= {"CX_HOME": f"{empty}/home", "CX_URL": "http://127.0.0.1:9", "CX_KEY": "a key"}
        os.chdir(empty)
        try:
            yield
        finally:
            os.chdir(folder)
            os.environ.clear()
            os.environ |= environment


def check(line: Sequence[str]) -> None:
    """Run a command line; it must hold what ``faults_of`` says."""
    with nowhere(), replaced("stdin", io.TextIOWrapper(io.BytesIO(b"{"))):
        told = printed(line)
    faults = faults_of(line, told)
    assert not faults, f"cx {list(line)!r}: {', '.join(faults)}\n{told.out[-500:]}{told.err[-2000:]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    settings = hypothesis.settings(max_examples=asked.examples, deadline=None, database=None)
    hypothesis.seed(asked.seed)(settings(hypothesis.given(command_lines())(check)))()
    print(f"{asked.examples} command lines: none met a fault")


if __name__ == "__main__":
    main()
