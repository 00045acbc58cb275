"""CloudEvents 1.0 that clients send: checked, and stamped for the log.

``accept`` takes an event in structured form (``http_binding`` reads it out of a request) and makes it the bytes that go
to the log. What no field here names is kept: unknown attributes, unknown fields of ``data``, types that we don't know.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from cx_events import strict_json
from cx_events.catalogue import EventType, catalogue, check_scopes, missing_fields, permit_of
from cx_events.codec import decode_data_leniently
from cx_events.envelope import Data, Event, Identifier, Reference
from cx_events.errors import Refused
from cx_events.facts import HUB_SOURCE, parse_sequence, stream_id_of
from cx_events.ids import IdSpace
from cx_events.junk import DEFAULT_JUNK, Junk
from cx_events.stamp import StampedEvent, prepare_data
from cx_events.timestamps import Micros, format_time, parse_time

MAX_EVENT_BYTES = (1 << 20) - 4096
"""Of one event as it lies on the log: 1 MiB, with room for what the log's own framing adds."""

MAX_NAME = 512
"""Characters of ``source``, ``id`` and ``data.interaction``."""

MAX_TYPE = 256
_CACHED = 1024
"""Sources and types whose form is known: senders have few."""

MAX_ATTRIBUTE = 4096
MAX_ATTRIBUTE_NAME = 64
"""The specification says that names SHOULD have 20 at most (section 3.1); longer ones harm nobody."""

# What a string attribute may not hold (CloudEvents 1.0.2, section 3.2): controls, surrogates, noncharacters.
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)
_ATTRIBUTE_NAME = re.compile(r"[a-z0-9]+")
# RFC 3986, appendix A: characters of a URI-reference, IRIs (RFC 3987) let pass; "%" only before two hex digits.
_URI_REFERENCE = re.compile(r"(?:[^\x00-\x20\x7f\"<>\\^`{|}%]|%[0-9A-Fa-f]{2})+")
_OURS = ("tenantid", "recordedtime", "partitionkey", "writer")
_CORE = ("specversion", "id", "source", "type", "time")
_STRINGS = ("subject", "datacontenttype", "dataschema", "traceparent", "causationid", "correlationid")
_NAMED = frozenset((*_CORE, *_OURS, *_STRINGS))
_NOT_KEPT = frozenset((*_CORE, *_OURS))
_JSON_DATA = strict_json.Limits(max_bytes=16 << 20)
"""Of JSON in ``data_base64``; how large a request may be is its door's to say."""

_ONLY_THE_HUB = "only the hub says what lies in its blob store; send the url of a file"

_INT64 = range(-(1 << 63), 1 << 63)

_encode = msgspec.json.Encoder().encode

Recogniser = Callable[[Data], list[Reference]]


def accept(
    value: Any,
    *,
    ids: IdSpace,
    recorded: Micros,
    importing: bool = False,
    region: str | None = None,
    recognise: Recogniser | None = None,
    scopes: Collection[str] = (),
    writer: str = "",
    junk: Junk = DEFAULT_JUNK,
) -> StampedEvent:
    """Return the event that a client's value becomes. Pure, but for ``recognise``: the references of an event with the
    continuity tokens in it by their ids (``cx_events.tokens.recognised``). An import's stand already.

    ``scopes``: of the client's key; the event's type may need some (``catalogue.permit_of``), and identifiers that are
    said to be proved or asserted need ``identity:prove`` or ``identity:assert``. ``writer``: ``key/ID``. ``junk``: the
    tenant's.

    ``importing``: the client may state ``tenantid`` and ``recordedtime``; an event that states when it was recorded may
    also be what otherwise only the hub itself writes (its connections' events, decisions about identity). A ``writer``
    that it states is replaced: the hub vouches for who wrote to it, not for whoever wrote elsewhere.
    Raises ``Refused``, each reason naming one fault and the detail its place.
    """
    if not isinstance(value, dict):
        raise Refused("not-an-event", f"an event is a JSON object, not {_kind_of(value)}")
    value = decode_base64_data(value)
    attributes = _attributes(value)
    imported = importing and "recordedtime" in attributes
    _check_core(attributes, ids.tenant, imported)
    event_type = catalogue().get(attributes["type"])
    _check_writable(attributes["type"], scopes, imported)
    recorded_at = _recorded_time(attributes, ids.tenant, recorded, importing)
    time = attributes.get("time")
    data, given = _data(value, event_type)
    if recognise is not None and not imported and event_type is not None and event_type.kind == "interaction":
        references = recognise(data)
        if references is not data.references:
            given["data"] = {**given["data"], "references": _as_given(references, data, given["data"])}
            data = msgspec.structs.replace(data, references=references)
    event = Event(
        specversion="1.0",
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        time=format_time(recorded_at if time is None else parse_time(time)),
        tenantid=ids.tenant,
        recordedtime=format_time(recorded_at),
        partitionkey="",
        data=prepare_data(data, attributes["type"], region=region, scopes=scopes, junk=junk),
        subject=attributes.get("subject", ""),
        writer=writer,
    )
    if event_type is not None:
        lacking = missing_fields(event, event_type.needs)
        if lacking:
            needed = ", ".join(f"data.{need.replace('|', ' or data.')}" for need in lacking)
            raise Refused("missing-data", f"{event.type} needs {needed}")
    event.partitionkey = stream_id_of(event, ids).hex()
    whole = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "time": event.time,
        "tenantid": event.tenantid,
        "recordedtime": event.recordedtime,
        "partitionkey": event.partitionkey,
        **{name: item for name, item in attributes.items() if name not in _NOT_KEPT},
        **given,
    }
    if writer:
        whole["writer"] = writer
    if event.data is not data:
        whole["data"] = _with_normal_forms(given["data"], event.data)
    raw = _encode(whole)
    if len(raw) > MAX_EVENT_BYTES:
        raise Refused("too-large", f"the event has {len(raw)} bytes; {MAX_EVENT_BYTES} are allowed", 413)
    return StampedEvent(event.source, event.id, event.partitionkey.encode(), raw)


def _kind_of(value: object) -> str:
    names = {list: "an array", dict: "an object", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _attributes(value: Mapping[str, Any]) -> dict[str, Any]:
    """All but the data; null means not set (JSON format, section 2.2)."""
    found: dict[str, Any] = {}
    for name, item in value.items():
        if name in _NAMED and isinstance(item, str) and len(item) <= MAX_ATTRIBUTE and item.isprintable():
            found[name] = item  # as nearly all are
            continue
        if name in ("data", "data_base64") or item is None:
            continue
        if name in _NAMED:
            if not isinstance(item, str):
                raise Refused(f"bad-{name}", f"{name} must be a string, not {_kind_of(item)}")
        elif len(name) > MAX_ATTRIBUTE_NAME or _ATTRIBUTE_NAME.fullmatch(name) is None:
            raise Refused("bad-attribute-name", f"{name[:64]!r} is no attribute's name: a-z and 0-9 only")
        elif name == "sequence":
            item = _sequence(item)
        elif not isinstance(item, str | int) or (isinstance(item, int) and item not in _INT64):
            raise Refused("bad-attribute", f"{name} must be a string, an integer or a boolean, not {_kind_of(item)}")
        if isinstance(item, str) and not (len(item) <= MAX_ATTRIBUTE and item.isprintable()):
            _check_string(name, item)
        found[name] = item
    return found


def _check_string(name: str, text: str) -> None:
    reason = f"bad-{name}" if name in _CORE or name in _STRINGS else "bad-attribute"
    if len(text) > MAX_ATTRIBUTE:
        raise Refused(reason, f"{name} has {len(text)} characters; {MAX_ATTRIBUTE} are allowed")
    forbidden = _forbidden(text)
    if forbidden:
        raise Refused(reason, f"{name} holds {forbidden}, which no attribute may")


def _forbidden(text: str) -> str:
    """The first character that no attribute may hold, as ``U+000A``, or nothing."""
    if text.isprintable():  # a superset of the pattern, and much faster
        return ""
    found = _FORBIDDEN.search(text)
    return "" if found is None else f"U+{ord(found[0]):04X}"


def _sequence(value: object) -> str:
    """The source's counter as decimal digits without leading zeros."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Refused("bad-sequence", f"sequence must be decimal digits, not {_kind_of(value)}")
    return str(parse_sequence(str(value)))


def _check_core(attributes: Mapping[str, Any], tenant: str, imported: bool) -> None:
    for name in ("specversion", "id", "source", "type"):
        if not attributes.get(name):
            raise Refused(f"missing-{name}", f"the attribute {name} is missing or empty")
    if attributes["specversion"] != "1.0":
        raise Refused("bad-specversion", f"specversion is {attributes['specversion'][:16]!r}; only '1.0' is known")
    for name, most in (("id", MAX_NAME), ("source", MAX_NAME), ("type", MAX_TYPE)):
        if len(attributes[name]) > most:
            raise Refused(f"bad-{name}", f"{name} has {len(attributes[name])} characters; {most} are allowed")
    source = attributes["source"]
    if not _is_uri_reference(source):
        raise Refused("bad-source", f"source {source[:64]!r} is not a URI-reference")
    if source.lower().startswith(HUB_SOURCE) and not (imported and source.startswith(f"{HUB_SOURCE}{tenant}/")):
        raise Refused("reserved-source", f"sources under {HUB_SOURCE} are the hub's own: name your system otherwise")


@lru_cache(_CACHED)
def _is_uri_reference(source: str) -> bool:
    return _URI_REFERENCE.fullmatch(source) is not None


def _check_writable(name: str, scopes: Collection[str], imported: bool) -> None:
    permit = permit_of(name)
    if permit.unsupported:
        raise Refused("not-supported", f"{name} is not taken: {permit.unsupported}")
    if permit.reserved and not imported:
        raise Refused("reserved-type", f"{name} is a person's decision: take it through /v1/identity")
    check_scopes(name, scopes)


def _recorded_time(attributes: Mapping[str, Any], tenant: str, now: Micros, importing: bool) -> Micros:
    if not importing:
        for name in _OURS:
            if name in attributes:
                raise Refused("reserved-attribute", f"{name} is stamped by the hub; only an import may state it")
        return now
    stated = attributes.get("tenantid", tenant)
    if stated != tenant:
        raise Refused("wrong-tenant", f"tenantid is {stated[:64]!r}; the key belongs to {tenant!r}")
    if "recordedtime" not in attributes:
        return now
    recorded = parse_time(attributes["recordedtime"])
    if recorded > now:
        raise Refused("bad-recordedtime", f"recordedtime {attributes['recordedtime']} lies in the future")
    return recorded


def _data(value: Mapping[str, Any], event_type: EventType | None) -> tuple[Data, dict[str, Any]]:
    """The typed view of an event's data, and what of it is kept: ``data`` or ``data_base64`` as given."""
    if "data" in value and "data_base64" in value:
        raise Refused("bad-data", "an event has data or data_base64, not both")
    if "data_base64" in value:
        kept = {"data_base64": value["data_base64"]}
        _check_base64(kept["data_base64"])
    else:
        kept = {"data": value["data"]} if "data" in value else {}
    content = kept.get("data")
    if event_type is None:
        data, _ = decode_data_leniently(content)
    elif not isinstance(content, dict):
        what = "absent" if not kept else "data_base64" if "data_base64" in kept else _kind_of(content)
        if "data_base64" in kept:
            what += f" of the content type {str(value.get('datacontenttype'))[:64]!r}, which is no JSON"
        elif isinstance(content, str) and content.lstrip().startswith("{"):
            what += ": an object stands in data itself, not as a text (CloudEvents JSON format, section 3.1.1)"
        raise Refused("bad-data", f"data of {event_type.name} must be a JSON object; it is {what}")
    else:
        data = _typed(content)
    _check_interaction(data.interaction)
    return data, kept


def _typed(content: dict[str, Any]) -> Data:
    """``raw`` is left aside: it may be any JSON."""
    typed = content
    if "raw" in content:
        typed = content.copy()
        del typed["raw"]
    try:
        return msgspec.convert(typed, Data)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        raise Refused("bad-data", f"data{place.rstrip('`')}: {what}") from None


def _check_interaction(name: str) -> None:
    if len(name) > MAX_NAME:
        raise Refused("bad-interaction", f"data.interaction has {len(name)} characters; {MAX_NAME} are allowed")
    forbidden = _forbidden(name)
    if forbidden:
        raise Refused("bad-interaction", f"data.interaction holds {forbidden}, which no id may")


def _check_base64(text: object) -> bytes:
    try:
        return b64decode(text if isinstance(text, str) else "!", validate=True)
    except ValueError:
        raise Refused("bad-data", "data_base64 is not base64 (RFC 4648, section 4)") from None


def _as_given(references: Iterable[Reference], data: Data, content: Mapping[str, Any]) -> list[Any]:
    """References in JSON; those that the client gave, with all that stood in them."""
    given = {id(known): one for known, one in zip(data.references, content.get("references", ()), strict=True)}
    return [given.get(id(one)) or msgspec.to_builtins(one) for one in references]


def _with_normal_forms(content: dict[str, Any], data: Data) -> dict[str, Any]:
    """The client's data with its identifiers in their normal form, and all else as it was."""
    if not data.participants and not data.links:
        return content
    content = dict(content)
    if data.participants:
        content["participants"] = [
            {**given, "identifiers": _normal_forms(given["identifiers"], participant.identifiers)}
            if participant.identifiers
            else given
            for given, participant in zip(content["participants"], data.participants, strict=True)
        ]
    if data.links:
        content["links"] = [
            _normal_forms(given, pair) for given, pair in zip(content["links"], data.links, strict=True)
        ]
    return content


def _normal_forms(given: Iterable[dict[str, Any]], normal: Iterable[Identifier]) -> list[dict[str, Any]]:
    merged = []
    for before, after in zip(given, normal, strict=True):
        one = {**before, "kind": after.kind, "value": after.value}
        if after.weight:
            one["weight"] = after.weight
        else:
            one.pop("weight", None)
        # Most have no more than a kind and a value, with the weight that they get: nothing of theirs goes away.
        if len(one) > 3 or after.scope or after.given or after.unusable:
            for name, text in (("scope", after.scope), ("given", after.given), ("unusable", after.unusable)):
                if text:
                    one[name] = text
                else:
                    one.pop(name, None)
            if not after.verified and one.get("verified"):
                del one["verified"]
        merged.append(one)
    return merged


def decode_base64_data(value: Any) -> Any:
    """Return the event with JSON that stands in ``data_base64`` as its ``data``; everything else as it is.

    A writer whose data is a sequence of bytes has to put it into ``data_base64``, also where ``datacontenttype`` says
    that the bytes are JSON (CloudEvents JSON format 1.0.2, section 3.1.1; absent, it is ``application/json``). One
    event in two forms must be one event. Raises ``Refused("bad-data")`` where the bytes are not base64 or no JSON.
    """
    if not isinstance(value, dict) or "data_base64" not in value:
        return value
    if value["data_base64"] is None or value.get("data", ...) is None:  # null is not set (JSON format, section 2.2)
        absent = "data_base64" if value["data_base64"] is None else "data"
        value = {name: item for name, item in value.items() if name != absent}
    if "data_base64" not in value or "data" in value:
        return value
    content_type = value.get("datacontenttype")
    if content_type is not None and not (isinstance(content_type, str) and strict_json.is_json(content_type)):
        return value
    content = _check_base64(value["data_base64"])
    try:
        data = strict_json.decode(content, _JSON_DATA)
    except Refused as refused:
        if content_type is None:
            return value  # bytes of a kind that nobody named
        raise Refused("bad-data", f"data_base64 holds no JSON, as datacontenttype says: {refused.detail}") from None
    return {**{name: item for name, item in value.items() if name != "data_base64"}, "data": data}


def check_blob_names(value: Any) -> None:
    """Raise ``Refused("reserved-blob")`` for an event that says which of the hub's blobs holds its content.

    Whoever names a blob would be handed what another sender put there. Only the hub writes such names, and an import
    (an event with a ``recordedtime``) repeats them.
    """
    data = value.get("data") if isinstance(value, dict) else None
    if not isinstance(data, dict) or value.get("recordedtime") is not None:
        return
    check_raw_blob(data.get("raw"))
    message = data.get("message")
    files = message.get("attachments") if isinstance(message, dict) else None
    for number, file in enumerate(files if isinstance(files, list) else ()):
        if isinstance(file, dict) and file.get("blob"):
            raise Refused("reserved-blob", f"data.message.attachments[{number}].blob: {_ONLY_THE_HUB}")


def check_raw_blob(raw: Any) -> None:
    """Raise ``Refused("reserved-blob")`` for a client's original (``data.raw``) that would be read out of a blob."""
    if isinstance(raw, dict) and isinstance(raw.get("blob"), str) and raw["blob"].startswith("sha256:"):
        raise Refused("reserved-blob", f"data.raw.blob: {_ONLY_THE_HUB}")


def oversized_raw(value: Any, over: int) -> bytes | None:
    """The JSON text of an event's ``data.raw`` if it has more than ``over`` bytes, else None."""
    data = value.get("data") if isinstance(value, dict) else None
    raw = data.get("raw") if isinstance(data, dict) else None
    if raw is None:
        return None
    text = _encode(raw)
    return text if len(text) > over else None
