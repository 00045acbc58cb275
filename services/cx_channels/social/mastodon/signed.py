"""Read what a request's signature says: the key, the time and the very bytes that were signed.

Two schemes: draft-cavage-http-signatures-12, which the Fediverse has used since 2018, and RFC 9421, which Mastodon
takes since 4.5. docs.joinmastodon.org/spec/security has what each must cover. Nothing of a header is read leniently:
two readings of one header would be a way to sign one thing and to send another.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from cx_channels.kit.signing import same
from cx_channels.kit.times import rfc2822_time, unix_seconds
from cx_channels.provider import Request
from cx_events.errors import Refused
from cx_events.timestamps import Micros

_PARAMETER = r"([a-zA-Z]{1,20})=(?:\"([!#-\[\]-~ ]{0,2000})\"|([0-9]{1,12}))"
_PARAMETERS = re.compile(rf"{_PARAMETER}(?: ?, ?{_PARAMETER}){{0,7}}")
_ONE = re.compile(_PARAMETER)
_CAVAGE = frozenset({"keyId", "algorithm", "headers", "signature", "created", "expires"})
_NAME = re.compile(r"[a-z0-9-]{1,100}|\((?:request-target|created|expires)\)")

_INPUT = re.compile(
    r"([a-z*][a-z0-9_.*-]{0,60})=(\((\"[a-z0-9@-]{1,60}\"(?: \"[a-z0-9@-]{1,60}\"){0,30})\)(;[!-~]{1,3000}))"
)
_MEMBER = re.compile(r";([a-z]{1,20})=(?:\"([!#-\[\]-~]{0,2000})\"|([0-9]{1,12}))")
_SIGNATURE = re.compile(r"([a-z*][a-z0-9_.*-]{0,60})=:([A-Za-z0-9+/=]{1,1400}):")
_CONTENT_DIGEST = re.compile(r"(?:^|, ?)sha-256=:([A-Za-z0-9+/=]{1,100}):(?=$| ?,)")
_MESSAGE = frozenset({"keyid", "created", "expires", "alg", "nonce", "tag"})


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature as it was read; nothing of it is checked. ``content``: the bytes that were signed. ``header``: the
    one that the time is of."""

    key_id: str
    signature: bytes
    content: bytes
    at: Micros
    expires: Micros | None
    header: str


def read_signed(request: Request) -> Signed:
    """Return what a request's signature says. Raise ``Refused`` (401) where there is none, it can't be read, or it does
    not cover the method, the address, the time and the body."""
    if not request.headers.get("signature", "").strip():
        raise Refused("missing-signature", "the request has no header Signature", 401)
    if not request.url.startswith(("https://", "http://")):  # the older scheme covers the host and the path alone
        raise bad("the request has no address that could be signed")
    return _message_signature(request) if "signature-input" in request.headers else _cavage(request)


def bad(why: str) -> Refused:
    """Return the refusal of a signature. ``why``: a sentence."""
    return Refused("bad-signature", why, 401)


# --- draft-cavage-http-signatures-12 ---------------------------------------------------------------------------------


def _cavage(request: Request) -> Signed:
    given = _parameters(request.headers["signature"])
    algorithm = given.get("algorithm", "hs2019")
    if algorithm not in ("rsa-sha256", "hs2019"):
        raise bad("Signature names another algorithm than rsa-sha256 and hs2019")
    names = given.get("headers", "").lower().split(" ")
    if len(set(names)) != len(names) or not all(map(_NAME.fullmatch, names)):
        raise bad("Signature lists headers twice, or none, or what is no header")
    if not {"(request-target)", "host", "digest"} <= set(names) or not {"date", "(created)"} & set(names):
        raise bad("Signature must cover (request-target), host, digest, and date or (created)")
    if algorithm != "hs2019" and {"(created)", "(expires)"} & set(names):
        raise bad("Signature covers (created) or (expires), which its algorithm does not have")
    _check_digest(request)
    content = "\n".join(f"{name}: {_value(request, given, name)}" for name in names)
    is_created = "(created)" in names
    written = given.get("created", "") if is_created else request.headers.get("date", "")
    at = unix_seconds(written) if is_created else rfc2822_time(written)
    if at is None:
        raise bad("the time that is signed can't be read")
    expires = unix_seconds(given["expires"]) if "(expires)" in names else None
    header = "Signature's created" if is_created else "Date"
    return Signed(given["keyId"], _bytes(given["signature"]), _ascii(content), at, expires, header)


def _parameters(header: str) -> Mapping[str, str]:
    """Return the parameters of ``Signature``. One that comes twice, or is unknown, would have two meanings."""
    if _PARAMETERS.fullmatch(header) is None:
        raise bad("Signature can't be read")
    found: dict[str, str] = {}
    for match in _ONE.finditer(header):
        if match[1] in found or match[1] not in _CAVAGE:
            raise bad("Signature has a parameter twice, or one that there is not")
        found[match[1]] = match[2] if match[2] is not None else match[3]
    if not found.get("keyId") or not found.get("signature"):
        raise bad("Signature has no keyId, or no signature")
    return found


def _value(request: Request, given: Mapping[str, str], name: str) -> str:
    """Return a line's value. The host is that of our own public address, whatever a proxy makes of the header."""
    if name == "(request-target)":
        return f"{request.method.lower()} {_target(request.url)}"
    if name in ("(created)", "(expires)"):
        value = given.get(name.strip("()"), "")
    elif name == "host":
        return urlsplit(request.url).netloc
    else:
        value = request.headers.get(name, "")
    if not value:
        raise bad(f"Signature covers {name[:40]}, which the request does not have")
    return value.strip()


def _check_digest(request: Request) -> None:
    """RFC 3230: ``SHA-256=BASE64``; the algorithm is written in either case."""
    members = (each.strip().partition("=") for each in request.headers.get("digest", "").split(","))
    given = [value for name, _, value in members if name.lower() == "sha-256"]
    if len(given) != 1 or not same(given[0], digest_of(request.body)):
        raise bad("Digest is missing, or is not the SHA-256 of the body")


def digest_of(body: bytes) -> str:
    """Return the SHA-256 of a body in base64."""
    return b64encode(sha256(body).digest()).decode()


# --- RFC 9421 --------------------------------------------------------------------------------------------------------


def _message_signature(request: Request) -> Signed:
    given, signature = _INPUT.fullmatch(request.headers["signature-input"]), _SIGNATURE.fullmatch(
        request.headers["signature"]
    )  # fmt: skip
    if given is None or signature is None or given[1] != signature[1]:
        raise bad(
            "Signature-Input and Signature are not one signature of the same label, of components without parameters"
        )
    names = [each.strip('"') for each in given[3].split(" ")]
    if len(set(names)) != len(names) or not {"@method", "@target-uri", "content-digest"} <= set(names):
        raise bad("Signature-Input must cover @method, @target-uri and content-digest, each component once")
    told = _members(given[4])
    if told.get("alg", "rsa-v1_5-sha256") != "rsa-v1_5-sha256":
        raise bad("Signature-Input names another algorithm than rsa-v1_5-sha256")
    at, key_id = unix_seconds(told.get("created")), told.get("keyid", "")
    if at is None or not key_id:
        raise bad("Signature-Input has no created, or no keyid")
    _check_content_digest(request)
    lines = [f'"{name}": {_component(request, name)}' for name in names]
    content = "\n".join([*lines, f'"@signature-params": {given[2]}'])
    expires = unix_seconds(told["expires"]) if "expires" in told else None
    return Signed(key_id, _bytes(signature[2]), _ascii(content), at, expires, "Signature-Input's created")


def _members(written: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    matches = list(_MEMBER.finditer(written))
    for match in matches:
        if match[1] in found or match[1] not in _MESSAGE:
            raise bad("Signature-Input has a parameter twice, or one that there is not")
        found[match[1]] = match[2] if match[2] is not None else match[3]
    if "".join(match[0] for match in matches) != written:
        raise bad("Signature-Input's parameters can't be read")
    return found


def _path(url: str) -> str:
    return urlsplit(url).path or "/"


def _target(url: str) -> str:
    query = urlsplit(url).query
    return f"{_path(url)}?{query}" if query else _path(url)


_DERIVED: Mapping[str, Callable[[Request], str]] = {
    "@method": lambda request: request.method,
    "@target-uri": lambda request: request.url,
    "@authority": lambda request: urlsplit(request.url).netloc.lower(),
    "@scheme": lambda request: urlsplit(request.url).scheme,
    "@request-target": lambda request: _target(request.url),
    "@path": lambda request: _path(request.url),
    "@query": lambda request: f"?{urlsplit(request.url).query}",
}
"""RFC 9421, section 2.2."""


def _component(request: Request, name: str) -> str:
    if name in _DERIVED:
        return _DERIVED[name](request)
    value = request.headers.get(name, "")
    if name.startswith("@") or not value:
        raise bad(f"Signature-Input covers {name[:40]}, which the request does not have")
    return value.strip()


def _check_content_digest(request: Request) -> None:
    """RFC 9530: ``sha-256=:BASE64:``, among others."""
    given = _CONTENT_DIGEST.findall(request.headers.get("content-digest", ""))
    if len(given) != 1 or not same(given[0], digest_of(request.body)):
        raise bad("Content-Digest is missing, or is not the SHA-256 of the body")


def _bytes(written: str) -> bytes:
    """Decode base64, in the one writing of its bytes: a signature must not pass in two forms."""
    try:
        content = b64decode(written, validate=True)
    except (Error, ValueError):
        raise bad("the signature is no base64") from None
    if b64encode(content).decode() != written:
        raise bad("the signature is not the one writing of its bytes")
    return content


def _ascii(content: str) -> bytes:
    """RFC 9421, section 2.5: a base is ASCII; bytes beyond it could be read in two ways."""
    if not content.isascii():
        raise bad("the signature covers a header with characters beyond ASCII")
    return content.encode()
