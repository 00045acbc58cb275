"""Make continuity tokens, which a customer takes from one channel to another to continue a conversation.

    code = derive_code("any name that is used once", ids)     # "48201937": spoken or keyed
    sign_token_id(token_id(code, ids), ids)                   # "t7k2...": in a reply-to address or a link
    parse_token_id("4820 1937#", ids)                         # the id of the code or the signed form

Events and contexts hold a token's *id* only, a keyed hash of its code, so that their readers can't use it. The signed
form is the id with an HMAC under the tenant's lasting key, so that intake can tell a forged one without a store. A code
looks like any number of its length; the facts tell whether it was ever issued
(``cx_context.threading.continuity_tokens``).
"""

from __future__ import annotations

import hmac
import re
from base64 import b32encode
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from cx_events.envelope import Data, Reference
from cx_events.ids import IdSpace

KIND = "token"
"""The kind of references to tokens."""

ISSUED = "cx.conversation.token_issued.v1"
REDEEMED = "cx.conversation.token_redeemed.v1"

PREFIX = "thr-"
CODE_DIGITS = 8
LINK_PARAMETER = "continue"
MAX_PRESENTED = 2048

_ID = re.compile(r"thr-[a-z2-7]{16}")
_CODE = re.compile(r"\d(?:[ -]?\d){7}")
_WORDS_AROUND = re.compile(r"\D{0,40}(\d(?:[ -]?\d){7})\D{0,20}")
_NOT_A_DIGIT = re.compile(r"\D")
_SIGNED = re.compile(r"t([a-z2-7]{16})([a-z2-7]{16})")
_IN_MESSAGE_ID = re.compile(r"\+(t[a-z2-7]{32})@", re.IGNORECASE)
_HASH_BYTES = 10  # 80 bits are 16 letters of base32


def derive_code(name: str, ids: IdSpace) -> str:
    """Return the code for a name that is used once. The same name gives the same code, so that retries are safe."""
    return str(int.from_bytes(_hash("token code", name, ids, 16)) % 10**CODE_DIGITS).zfill(CODE_DIGITS)


def token_id(code: str, ids: IdSpace) -> str:
    """Return the id of a code's token: 80 bits of an HMAC, as ``thr-`` and 16 letters."""
    return PREFIX + _letters(_hash("token id", code, ids))


def is_token_id(value: str) -> bool:
    """Return whether a reference's value has the form of this hub's token ids."""
    return len(value) == len(PREFIX) + 16 and _ID.fullmatch(value) is not None


def sign_token_id(id: str, ids: IdSpace) -> str:
    """Return the signed form of an id, for an address or a link: 33 letters and digits, whose case may change."""
    return f"t{id.removeprefix(PREFIX)}{_letters(_hash('token signature', id, ids))}"


def looks_signed(text: str) -> bool:
    """Return whether a text has the form of a signed id, genuine or not."""
    return len(text) == 33 and _SIGNED.fullmatch(text.lower()) is not None


def looks_like_code(text: str) -> bool:
    """Return whether a text is eight digits, with or without blanks and hyphens between, ``#`` or ``*`` at the end."""
    return _CODE.fullmatch(text.strip().rstrip("#*").strip()) is not None


def parse_token_id(text: str, ids: IdSpace) -> str | None:
    """Return the id of the token in a code, a signed form, an address or a link.

    Return None where it is forged or not a token of this hub. Whether it was ever issued is not checked.
    """
    text = text.strip()
    if len(text) > MAX_PRESENTED:
        return None
    if looks_like_code(text):
        return token_id(_NOT_A_DIGIT.sub("", text), ids)
    if "://" in text or "?" in text:
        try:
            fields = parse_qsl(urlsplit(text).query, max_num_fields=64)
        except ValueError:
            return None
        text = next((value for name, value in fields if name == LINK_PARAMETER), "")
    elif "@" in text:
        text = text.rpartition("@")[0].rpartition("+")[2]
    return _genuine(text, ids)


def recognise_tokens(data: Data, ids: IdSpace, *, codes: bool = True) -> list[Reference]:
    """Return the references of an event's data, with continuity tokens by their ids.

    Signed forms among the references (mail and social adapters find them in addresses and links, and in the ids of
    answered mails) become ids; forged ones are removed. With ``codes``, codes do so, too: in references, in the keys
    that a caller pressed, in a short chat message with little else in it. Other software's tokens stay as they are.
    Return the same list where nothing is found.
    """
    found = _among_references(data.references, ids, codes)
    if codes:
        code = _keyed_or_written(data)
        if code:
            found = [*found, Reference(kind=KIND, value=token_id(code, ids))]
    if found is data.references:
        return found
    once = {(reference.kind, reference.value): reference for reference in found}
    return list(once.values())


def has_code(data: Data) -> bool:
    """Return whether somebody may be trying a code, so that attempt limits count it."""
    return bool(_keyed_or_written(data)) or any(
        reference.kind == KIND and looks_like_code(reference.value) for reference in data.references
    )


def _among_references(references: list[Reference], ids: IdSpace, codes: bool) -> list[Reference]:
    if not references:
        return references
    found: list[Reference] = []
    for reference in references:
        if reference.kind != KIND:
            found.append(reference)
            match = _IN_MESSAGE_ID.search(reference.value) if "+" in reference.value else None
            genuine = _genuine(match[1], ids) if match is not None else None
            if genuine is not None:
                found.append(Reference(kind=KIND, value=genuine))
        elif looks_signed(reference.value):
            genuine = _genuine(reference.value, ids)
            if genuine is not None:
                found.append(Reference(kind=KIND, value=genuine))
        elif codes and looks_like_code(reference.value):
            found.append(Reference(kind=KIND, value=token_id(_NOT_A_DIGIT.sub("", reference.value), ids)))
        else:
            found.append(reference)
    return references if _same(found, references) else found


def _same(found: Sequence[Reference], references: Sequence[Reference]) -> bool:
    return len(found) == len(references) and all(one is other for one, other in zip(found, references, strict=True))


def _keyed_or_written(data: Data) -> str:
    """Return the eight digits that a caller pressed or that a short message consists of; "" for none."""
    if data.digits:
        return _NOT_A_DIGIT.sub("", data.digits) if looks_like_code(data.digits) else ""
    message = data.message
    if message is None or data.direction != "inbound" or data.channel not in _WRITTEN or len(message.text) > 80:
        return ""
    match = _WORDS_AROUND.fullmatch(message.text.strip())
    return _NOT_A_DIGIT.sub("", match[1]) if match is not None else ""


_WRITTEN = frozenset({"chat", "sms", "social", "web"})


def _genuine(text: str, ids: IdSpace) -> str | None:
    match = _SIGNED.fullmatch(text.lower())
    if match is None:
        return None
    id = PREFIX + match[1]
    return id if hmac.compare_digest(sign_token_id(id, ids), match[0]) else None


def _hash(purpose: str, text: str, ids: IdSpace, size: int = _HASH_BYTES) -> bytes:
    return hmac.digest(ids.secret(purpose), text.encode(), "sha256")[:size]


def _letters(content: bytes) -> str:
    return b32encode(content).decode("ascii").lower()
