"""Name the media types of files, by what servers tell of them."""

from __future__ import annotations

from collections.abc import Mapping

_OF_KINDS: Mapping[str, str] = {
    "image": "image/*", "gifv": "video/mp4", "video": "video/*", "audio": "audio/*",
}  # fmt: skip
_OF_ENDINGS: Mapping[str, str] = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
    "avif": "image/avif", "heic": "image/heic", "mp4": "video/mp4", "m4v": "video/mp4", "webm": "video/webm",
    "mov": "video/quicktime", "mp3": "audio/mpeg", "ogg": "audio/ogg", "oga": "audio/ogg", "wav": "audio/wav",
    "flac": "audio/flac", "opus": "audio/opus", "m4a": "audio/mp4", "aac": "audio/aac", "pdf": "application/pdf",
}  # fmt: skip


def media_type(told: str, kind: str, url: str) -> str:
    """Return a file's media type: what is told, else by the ending of its name, else by the kind that it is."""
    if told:
        return told
    path = url.partition("?")[0].partition("#")[0].rpartition("/")[2]
    ending = path.rpartition(".")[2].lower() if "." in path else ""
    return _OF_ENDINGS.get(ending) or _OF_KINDS.get(kind.lower(), "")
