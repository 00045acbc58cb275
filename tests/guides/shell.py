"""A shell that runs blocks of commands one after another, as somebody would who types them into one terminal.

``127.0.0.1:8080`` alone is exchanged, for the port that is free here. What a block leaves in the environment and which
folder it leaves the shell in hold for the next. A block that goes on runs beside the later ones, as in another
terminal, and is stopped by Ctrl-C at the end.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.forked import write_command
from tests.guides.blocks import ROOT, Block
from tests.patience import PATIENCE
from tests.processes import bare_environment

from cx_hub.stack.processes import free_port

_INTERRUPTED = {0, 130, -signal.SIGINT}
_PROLOGUE = "set -eu -o pipefail -o allexport\n"
_EPILOGUE = '\n{ pwd; env -0; } > "$GUIDE_STATE"\n'


class Shell:
    """``folder``: where the commands run; ``environment``: what they find."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self._notes = folder.parent
        self._count = 0
        self._others: list[tuple[Block, subprocess.Popen[bytes], Path]] = []

    def run(self, block: Block) -> str:
        """Run a block, and return what it said. It must end with 0, or get as far as it is marked to."""
        said = self._said()
        if block.goes_on_until:
            self._go_on(block, said)
            return said.read_text(encoding="utf-8", errors="replace")
        state = self._notes / "state"
        state.unlink(missing_ok=True)
        with said.open("wb") as output:
            ended = subprocess.run(
                ["bash", "-c", _PROLOGUE + self._here(block) + _EPILOGUE],
                cwd=self.folder,
                env={**self.environment, "GUIDE_STATE": str(state)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=PATIENCE,
                check=False,
            )
        text = said.read_text(encoding="utf-8", errors="replace")
        assert ended.returncode == 0, f"{block.place} ended with {ended.returncode}:\n{block.commands}\n{text}"
        assert "Traceback" not in text, f"{block.place}:\n{text}"
        self._take_over(state)
        return text

    def _go_on(self, block: Block, said: Path) -> None:
        with said.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-c", _PROLOGUE + self._here(block)],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._others.append((block, process, said))
        until = time.monotonic() + PATIENCE
        while block.goes_on_until not in (text := said.read_text(encoding="utf-8", errors="replace")):
            assert process.poll() is None, f"{block.place} ended with {process.returncode}:\n{text}"
            assert time.monotonic() < until, f"{block.place} never said {block.goes_on_until!r}:\n{text}"
            time.sleep(0.05)

    def _here(self, block: Block) -> str:
        return block.commands.replace("127.0.0.1:8080", f"127.0.0.1:{self.environment['CX_PORT']}")

    def _said(self) -> Path:
        self._count += 1
        return self._notes / f"said-{self._count}"

    def _take_over(self, state: Path) -> None:
        folder, _, variables = state.read_text(encoding="utf-8").partition("\n")
        self.folder = Path(folder)
        named = (each.partition("=") for each in variables.split("\0") if each)
        self.environment = {name: value for name, _, value in named if name not in ("GUIDE_STATE", "SHLVL", "_")}

    def stop(self) -> None:
        """Stop what goes on, the latest first; each must end by itself and without a trace."""
        while self._others:
            block, process, said = self._others.pop()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            code = process.wait(PATIENCE)
            text = said.read_text(encoding="utf-8", errors="replace")
            assert code in _INTERRUPTED, f"{block.place} ended with {code}:\n{text}"
            assert "Traceback" not in text, f"{block.place}:\n{text}"

    def kill(self) -> None:
        """End what goes on, at once."""
        for _, process, _ in self._others:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def shell_in_clone(home: Path) -> Iterator[Shell]:
    """Yield a shell in what looks like a fresh clone: all of the repository, without ``.cx``, on free ports.

    ``CX_URL`` says where a hub that is started there listens; ``cx`` is found as after an installation, and done by a
    forked process (``tests.forked``). ``curl`` ends
    with 22 for an answer of 400 or more, which a reader would see.
    """
    clone = home / "throughline"
    clone.mkdir()
    for each in ROOT.iterdir():
        if each.name not in (".cx", ".git"):
            (clone / each.name).symlink_to(each)
    (home / ".curlrc").write_text("fail-with-body\nno-progress-meter\n", encoding="ascii")
    installed = home / "installed"
    (installed / "bin").mkdir(parents=True)
    write_command(installed / "bin" / "cx")
    stamp = ROOT / ".venv" / ".made-from"  # by which ./cx knows that nothing is to be installed
    if stamp.exists():
        shutil.copy(stamp, installed)
    port = free_port()
    environment = bare_environment() | {
        "CURL_HOME": str(home),
        "PATH": f"{installed / 'bin'}:{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "CX_VENV": str(installed if stamp.exists() else ROOT / ".venv"),
        "CX_PORT": str(port),
        "CX_SMTP_PORT": str(free_port()),
        "CX_URL": f"http://127.0.0.1:{port}",
    }
    shell = Shell(clone, environment)
    try:
        yield shell
        shell.stop()
    finally:
        shell.kill()
