"""Cut a vCon into pieces, each in the ``raw`` of the event that it becomes, and reassemble it from these events.

``UUID/dialog/3/DIGEST``, ``UUID/analysis/0/DIGEST``, ``UUID/attachments/1/DIGEST``: the object at that place.
``UUID/container/DIGEST``: what the vCon says beside those, and the digests of all its pieces. The digest is that of the
piece: the same vCon again is the same events, and of a vCon that came again with more or other pieces (its ``uuid``
stays while it is unsigned) the newest container says which pieces it has now.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from cx_events.ids import text_of, uuid8
from cx_events.json_types import Json
from cx_vcon.json_values import obj, objects, text, time
from cx_vcon.reading import VconInput

ARRAYS = ("dialog", "analysis", "attachments")

MAX_INTERACTIONS = 16
"""The most interactions of one vCon; further contacts join the last."""

_PLAIN = re.compile(r"[!-.0-~]{1,160}")
_PIECE = re.compile(r"([^/]+)/(dialog|analysis|attachments)/([0-9]+)/([0-9a-f]{16})")
_CONTAINER = re.compile(r"([^/]+)/container/([0-9a-f]{16})")


def encoded(value: Any) -> bytes:
    """Return the canonical bytes of a JSON value: equal values have equal bytes."""
    return msgspec.json.encode(value, order="sorted")


def digest(content: bytes) -> str:
    """Return 16 hex digits that identify a piece's content."""
    return sha256(content).hexdigest()[:16]


def id_part(uuid: str) -> str:
    """Return a vCon's uuid as a part of our ids; a digest of a uuid with other characters."""
    return uuid if _PLAIN.fullmatch(uuid) else text_of(uuid8(sha256(uuid.encode()).digest()))


def interaction_of(uuid: str, number: int = 0) -> str:
    """Return the interaction's id of a vCon's ``number``-th contact."""
    name = f"vcon/{id_part(uuid)}"
    return f"{name}/{number}" if number else name


class Piece(NamedTuple):
    """A piece: the id of its event, and its bytes."""

    id: str
    raw: bytes


def container(source: VconInput, pieces: Mapping[str, Sequence[Piece]]) -> Piece:
    """Return the piece with all other members of the vCon. Empty arrays stay as they are: absent, empty or null."""
    members = {name: value for name, value in source.vcon.items() if not (name in ARRAYS and value)}
    kept: Json = {"vcon": members, "uuid": source.uuid}
    kept["pieces"] = {name: [each.id.rpartition("/")[2] for each in pieces[name]] for name in ARRAYS if pieces[name]}
    if source.signed is not None:
        kept["signed"] = source.signed
    raw = encoded(kept)
    return Piece(f"{id_part(source.uuid)}/container/{digest(raw)}", raw)


def pieces_of(source: VconInput) -> dict[str, list[Piece]]:
    found: dict[str, list[Piece]] = {}
    for name in ARRAYS:
        found[name] = []
        for number, value in enumerate(source.vcon.get(name) or ()):
            raw = encoded(value)
            found[name].append(Piece(f"{id_part(source.uuid)}/{name}/{number}/{digest(raw)}", raw))
    return found


class ImportedVcon(NamedTuple):
    """A vCon as it came in. ``whole``: every piece is there (those under way may lie on the log yet)."""

    uuid: str
    vcon: Json
    signed: Json | None
    whole: bool


def earlier_of(vcon: Json) -> str:
    """Return the uuid of the vCon that this one amends (``appended`` up to 0.3.0), or ""."""
    members = obj(vcon.get("amended")) or obj(vcon.get("appended"))
    return text(members.get("uuid"))


def related_to(vcon: Json) -> list[str]:
    """Return the uuids of the other vCons that it names: those it amends, redacts, or is grouped with."""
    redacted = text(obj(vcon.get("redacted")).get("uuid"))
    group = [text(each.get("uuid")) for each in objects(vcon.get("group"))]
    return list(dict.fromkeys(filter(None, (earlier_of(vcon), redacted, *group))))


def reassemble(originals: Iterable[tuple[str, int, bytes]]) -> list[ImportedVcon]:
    """Return the vCons of these pieces, in order of their uuid. Each original: event id, recorded time, bytes.

    Of several containers the one updated last counts, then the one recorded last.
    """
    containers: dict[str, tuple[tuple[int, int, str], Json]] = {}
    pieces: dict[tuple[str, str, int, str], bytes] = {}
    for id, recorded, raw in originals:
        if match := _PIECE.fullmatch(id):
            pieces[match[1], match[2], int(match[3]), match[4]] = raw
        elif match := _CONTAINER.fullmatch(id):
            kept = obj(msgspec.json.decode(raw))
            members = obj(kept.get("vcon"))
            updated = time(members.get("updated_at")) or time(members.get("created_at")) or 0
            place = (updated, recorded, id)
            if match[1] not in containers or place > containers[match[1]][0]:
                containers[match[1]] = (place, kept)
    return [_whole(name, kept, pieces) for name, (_, kept) in sorted(containers.items())]


def _whole(name: str, kept: Json, pieces: Mapping[tuple[str, str, int, str], bytes]) -> ImportedVcon:
    vcon = dict(obj(kept.get("vcon")))
    uuid = kept["uuid"]
    if not vcon.get("uuid"):
        vcon["uuid"] = uuid
    whole = True
    for array, digests in obj(kept.get("pieces")).items():
        vcon[array] = []
        for number, one in enumerate(digests):
            raw = pieces.get((name, array, number, one))
            whole = whole and raw is not None
            vcon[array].append(msgspec.json.decode(raw) if raw is not None else {})
    return ImportedVcon(uuid, vcon, kept.get("signed"), whole)
