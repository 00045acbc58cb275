"""Sign a request by OAuth 1.0a with HMAC-SHA1 (RFC 5849, section 3.4). Pure.

docs.x.com/fundamentals/authentication/oauth-1-0a/creating-a-signature.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of an app's page *Keys and tokens*: its API key with the secret, an account's access token with its
    secret."""

    key: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    token_secret: str = field(repr=False)


def signed_header(keys: Keys, url: str, at: int, nonce: str) -> Mapping[str, str]:
    """Return the header that signs a GET. ``at``: s since 1970; ``nonce``: no other request of that second has it."""
    proof = {
        "oauth_consumer_key": keys.key,
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": str(at),
        "oauth_token": keys.token,
        "oauth_version": "1.0",
    }
    whole, _, query = url.partition("?")
    asked = parse_qsl(query, keep_blank_values=True)
    proof["oauth_signature"] = signature(keys, "GET", whole, [*asked, *proof.items()])
    return {"authorization": "OAuth " + ", ".join(f'{name}="{_encoded(proof[name])}"' for name in sorted(proof))}


def signature(keys: Keys, method: str, url: str, parameters: list[tuple[str, str]]) -> str:
    """Return the signature of a request. ``url``: without its query; ``parameters``: of query, form and header."""
    pairs = sorted((_encoded(name), _encoded(value)) for name, value in parameters)
    told = "&".join(f"{name}={value}" for name, value in pairs)
    to_sign = f"{method}&{_encoded(url)}&{_encoded(told)}"
    secret = f"{_encoded(keys.secret)}&{_encoded(keys.token_secret)}"
    return b64encode(hmac.digest(secret.encode(), to_sign.encode(), "sha1")).decode("ascii")


def _encoded(value: str) -> str:
    """Percent-encode all but what RFC 3986 reserves nothing for."""
    return quote(value, safe="-._~")
