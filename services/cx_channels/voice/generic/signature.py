"""Declare the signature of a connection that declares none; each declaration has its own (``authentication``)."""

from __future__ import annotations

from cx_channels.provider import Signature

_DECLARED = "what a signature covers is declared by each connection"

SIGNATURE = Signature(headers=(), covers=frozenset(), gaps={"body": _DECLARED, "url": _DECLARED, "time": _DECLARED})
