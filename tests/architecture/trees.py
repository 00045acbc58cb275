"""Modules parsed once for all rules that read them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a Python file. It is shared: don't change it."""
    return ast.parse(path.read_text(encoding="utf-8"))
