"""Stream processors that know nobody, to be measured beside the hub: fetched where they are asked for, pinned.

They are no part of the hub and needed by nothing of it. Each lies in the user's cache, beside the jars of the stack's
Kafka: quixstreams in an environment of its own, Kafka Streams as jars, which run on the stack's Java.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cx_events.errors import Fatal
from cx_hub.stack.jars import cache_folder, jars, maven_url, pinned
from cx_hub.stack.kafka import java

_HERE = Path(__file__).parent
_REQUIREMENTS = _HERE / "quixstreams-requirements.txt"
_JARS = _HERE / "kafka-streams-jars.txt"
_COMPILER = "org/eclipse/jdt/ecj/"
_JVM = (
    "-Xms512m",
    "-Xmx1g",
    "-XX:+UseSerialGC",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
    "--enable-native-access=ALL-UNNAMED",
)
_SECONDS = 600


class Absent(Exception):
    """A peer can't be had; its text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Peer:
    """``command``: a program that takes a task as its last argument; ``environ``: variables that it needs besides."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str] = field(default_factory=dict)


Finder = Callable[[Mapping[str, str], Path, bool], Peer]
"""Returns a peer by the environment and a folder for its files of this run. The last argument: whether it may be
fetched. Raises ``Absent``."""


def quixstreams(environ: Mapping[str, str], _folder: Path, fetches: bool) -> Peer:
    """Return quixstreams, in an environment that pip makes once."""
    wanted = _REQUIREMENTS.read_bytes()
    place = cache_folder(environ) / "peers" / f"quixstreams-{sha256(wanted).hexdigest()[:16]}"
    complete = place / "complete"
    if not complete.exists():
        if not fetches:
            raise Absent("quixstreams is not on this disk")
        _run("quixstreams", [sys.executable, "-m", "venv", "--clear", str(place)])
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        _run("quixstreams", [*pip, "--no-deps", "-r", str(_REQUIREMENTS)])
        complete.touch()
    return Peer("quixstreams", [str(place / "bin" / "python"), "-Wignore", str(_HERE / "quixstreams_app.py")])


def kafka_streams(environ: Mapping[str, str], folder: Path, fetches: bool) -> Peer:
    """Return a Kafka Streams application, compiled into the folder by Eclipse's compiler: a JRE has none."""
    wanted = pinned() | pinned(_JARS.read_text(encoding="ascii"))
    try:
        runtime = java()
        # Nothing can be fetched from an address that is none.
        found = jars(cache_folder(environ), maven_url(environ) if fetches else "nowhere", wanted)
    except Fatal as error:
        raise Absent(str(error) if fetches else "Kafka Streams is not on this disk") from None
    by_path = dict(zip(wanted, found, strict=True))
    compiler = next(str(jar) for path, jar in by_path.items() if path.startswith(_COMPILER))
    classes = ":".join(str(jar) for path, jar in by_path.items() if not path.startswith(_COMPILER))
    compiled = folder / "kafka-streams-app"
    options = ["-17", "-nowarn", "-proc:none", "-cp", classes, "-d", str(compiled)]
    _run("Kafka Streams", [runtime, "-jar", compiler, *options, str(_HERE / "KafkaStreamsApp.java")])
    command = [runtime, *_JVM, "-cp", f"{compiled}:{classes}", "KafkaStreamsApp"]
    return Peer("Kafka Streams", command, {"ROCKSDB_SHAREDLIB_DIR": str(folder)})


def _run(name: str, command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Absent(f"{name} can't be prepared: {error}") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Absent(f"{name} can't be prepared: {said[-1] if said else command[0]}")
