"""Run programs of a folder of Node, with the packages that its lock file names."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent / "node"


def install(folder: Path = FOLDER) -> None:
    """Install the packages of the lock file, unless they are there. End the process where there is no Node."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        sys.exit("this client needs node and npm, which are not here")
    lock = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    installed = folder / "node_modules" / ".installed"
    if installed.exists() and installed.read_text(encoding="ascii") == lock:
        return
    subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=folder, stdout=sys.stderr, check=True)
    installed.write_text(lock, encoding="ascii")


def start(
    program: str, environment: Mapping[str, str], *arguments: str, folder: Path = FOLDER
) -> subprocess.Popen[str]:
    """Start ``FOLDER/PROGRAM``. Its standard input and output are pipes of lines, its errors go to ours."""
    install(folder)
    command, pipe = ["node", program, *arguments], subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=dict(environment), stdin=pipe, stdout=pipe, text=True)


def run(program: str, environment: Mapping[str, str], *arguments: str) -> str:
    """Run ``node/PROGRAM`` to its end and return what it printed. End this process where it fails."""
    with start(program, environment, *arguments) as client:
        assert client.stdout is not None
        said = client.stdout.read()
    if client.returncode:
        sys.exit(f"{said}node {program} ended with {client.returncode}")
    return said
