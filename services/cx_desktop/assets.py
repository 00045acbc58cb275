"""Hold the files of the pages in memory: by their paths, compressed once, under a version made of their content.

The version stands in the path of each file, so a browser keeps a file for good and never mixes two versions. The
imports of modules are known here, so a page names all of its modules at once and a browser need not find them one by
one. What a module imports later (``import("./desk.js")``) is not among them.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.resources import files
from importlib.resources.abc import Traversable
from posixpath import dirname, join, normpath

MEDIA_TYPES: Mapping[str, str] = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
"""By the ending of a file's name; files of other kinds are not served."""

_IMPORT = re.compile(r'^(?:import|export)\b[^"\n;]*?"(\.{1,2}/[^"]+)"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file. ``etag`` is of its content; ``gzipped`` is its content compressed."""

    content: bytes
    gzipped: bytes
    media_type: str
    etag: str


@dataclass(frozen=True)
class Assets:
    """All files by path (``kit/dom.js``). ``version``: 16 hex digits, equal in every process of one release."""

    by_path: Mapping[str, Asset]
    version: str

    def url(self, path: str) -> str:
        """Return the address of a file, which is its own for good. Raises ``KeyError``."""
        if path not in self.by_path:
            raise KeyError(path)
        return f"/assets/{self.version}/{path}"

    def modules_of(self, path: str) -> list[str]:
        """Return the paths of all modules that this one needs, itself first. Raises ``KeyError`` for a missing one."""
        found = [path]
        for each in found:
            found += [name for name in self._imports(each) if name not in found]
        return found

    def _imports(self, path: str) -> Iterator[str]:
        text = self.by_path[path].content.decode()
        for match in _IMPORT.finditer(text):
            yield normpath(join(dirname(path), match[1]))


@cache
def load_assets() -> Assets:
    """Read the files that lie below ``web/``."""
    contents = dict(sorted(_read(files("cx_desktop") / "web", "")))
    digest = blake2b(digest_size=8)
    for path, content in contents.items():
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return Assets({path: _asset(path, content) for path, content in contents.items()}, digest.hexdigest())


def _read(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for each in folder.iterdir():
        path = prefix + each.name
        if each.is_dir():
            yield from _read(each, f"{path}/")
        elif path.rpartition(".")[2] in MEDIA_TYPES:
            yield path, each.read_bytes()


def _asset(path: str, content: bytes) -> Asset:
    etag = f'"{blake2b(content, digest_size=12).hexdigest()}"'
    return Asset(content, gzip.compress(content, 9, mtime=0), MEDIA_TYPES[path.rpartition(".")[2]], etag)
