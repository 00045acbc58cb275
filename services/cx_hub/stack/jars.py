"""Fetch Kafka's jars, those that ``kafka-jars.txt`` names, once from a Maven repository, and check them."""

from __future__ import annotations

import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from cx_events.errors import Fatal

MAVEN_CENTRAL = "https://repo1.maven.org/maven2"

_LIST = Path(__file__).with_name("kafka-jars.txt")
_SECONDS = 60


def maven_url(environ: Mapping[str, str]) -> str:
    """Return where jars are fetched from: ``CX_MAVEN_URL``, a mirror laid out like Maven Central."""
    return environ.get("CX_MAVEN_URL", MAVEN_CENTRAL).rstrip("/")


def cache_folder(environ: Mapping[str, str]) -> Path:
    """``$XDG_CACHE_HOME/throughline``, else ``~/.cache/throughline``."""
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "throughline"


def pinned(text: str | None = None) -> dict[str, str]:
    """Path below the repository to SHA-256 in hex."""
    lines = (_LIST.read_text(encoding="ascii") if text is None else text).splitlines()
    return {path: digest for digest, path in (line.split() for line in lines if line and not line.startswith("#"))}


def jars(cache: Path, url: str, wanted: Mapping[str, str] | None = None) -> list[Path]:
    """The jars on this disk, fetched where they are missing. Several processes may do so at once.

    Raises ``Fatal`` where a jar can't be had or is not the one that is pinned.
    """
    wanted = pinned() if wanted is None else wanted
    places = {cache / "kafka-jars" / digest[:16] / Path(path).name: (path, digest) for path, digest in wanted.items()}
    missing = {place: what for place, what in places.items() if not place.exists()}
    with ThreadPoolExecutor(8, "cx-jars") as pool:
        for _ in pool.map(lambda item: _bring(item[0], url, *item[1]), missing.items()):
            pass
    return list(places)


def _bring(place: Path, url: str, path: str, digest: str) -> None:
    content = _get(f"{url}/{path}")
    found = sha256(content).hexdigest()
    if found != digest:
        raise Fatal(f"{url}/{path} has the SHA-256 {found}, but {digest} is pinned: it is not used")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=place.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # Another process may have been faster: its file has the same content, so replacing it is harmless.
        Path(draft).replace(place)
    except OSError as error:
        raise Fatal(f"{place} can't be written: {error.strerror}") from None


def _get(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - the address is the operator's own
            content: bytes = answer.read()
            return content
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise Fatal(
            f"Kafka's jar {url} can't be fetched: {reason}. "
            "Set CX_MAVEN_URL to a mirror of Maven Central, or use a Kafka of your own"
        ) from None
