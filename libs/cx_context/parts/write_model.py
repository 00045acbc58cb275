"""Write ``cx_context/parts/model.py`` anew, from the ``Fields`` of the sections.

    python -m cx_context.parts.write_model

It reads the sections' source and imports none of them: they import the ``Part`` that it writes.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
TARGET = HERE / "model.py"
SECTIONS = HERE.parent / "sections"

_NAME = re.compile(r"\b[A-Za-z_]\w*+")
_ROW = re.compile(r'^        "(\w++)": \w++\.SECTION,$', re.MULTILINE)

_HEAD = '''"""Define a part: an hour of one stream's side of one interaction, in a form that adds up.

Written by ``python -m cx_context.parts.write_model`` from the ``Fields`` of the sections: change it there. A field's
type says how its values combine (``cx_context.parts.rules``). Times are µs since 1970.
"""

from __future__ import annotations

'''
_CLASS = '''

class Part(Struct, omit_defaults=True, gc=False, kw_only=True, rename=STORED_NAMES):
    """A piece of one stream's side of one interaction: the facts of an hour that are of one weight, or a single fact
    that needs a part of its own (see ``cx_events.activity``). With ``interaction == ""`` all that a stream has outside
    any interaction. It holds nothing but integers, text and what clients sent as JSON."""
'''


class Declarations:
    """The fields that one section declares. ``lines``: their source. ``imports``: (module, name) that it needs."""

    def __init__(self, source: str) -> None:
        tree = ast.parse(source)
        self._aliases: dict[str, str] = {}
        self._known: dict[str, str] = {}
        self.imports: set[tuple[str, str]] = set()
        self.names: list[str] = []
        self.lines: list[str] = []
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                self._known.update({alias.name: node.module for alias in node.names})
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self._aliases[node.targets[0].id] = ast.get_source_segment(source, node.value) or ""
            elif isinstance(node, ast.ClassDef) and node.name == "Fields":
                self._read(source, node)

    def _read(self, source: str, declared: ast.ClassDef) -> None:
        for node in declared.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
                type, default = (
                    self._resolved(ast.get_source_segment(source, part) or "") for part in (node.annotation, node.value)
                )
                self.names.append(node.target.id)
                self.lines.append(f"    {node.target.id}: {type} = {default}")
            elif isinstance(node, ast.Expr):
                self.lines.append(f"    {ast.get_source_segment(source, node)}")

    def _resolved(self, text: str) -> str:
        """Return an expression in which the section's own constants and types stand as what they are."""
        for _ in range(3):
            text = _NAME.sub(lambda name: self._aliases.get(name[0], name[0]), text)
        for node in ast.walk(ast.parse(text, mode="eval")):
            if isinstance(node, ast.Name) and node.id in self._known:
                self.imports.add((self._known[node.id], node.id))
        return text


def declarations() -> dict[str, Declarations]:
    """Return what each section declares, by its module's name, in the order of ``cx_context.sections.registry``."""
    registry = (SECTIONS / "registry.py").read_text(encoding="utf-8")
    names = _ROW.findall(registry)
    found = {name: Declarations((SECTIONS / f"{name}.py").read_text(encoding="utf-8")) for name in names}
    return {name: declared for name, declared in found.items() if declared.names}


def model() -> str:
    """Return the source of ``model.py``."""
    sections = declarations()
    imports: dict[str, set[str]] = {"msgspec": {"Struct"}, "cx_context.parts.stored_names": {"STORED_NAMES"}}
    for declared in sections.values():
        for module, name in declared.imports:
            imports.setdefault(module, set()).add(name)
    body = "".join(
        f"\n    # cx_context.sections.{name}\n" + "\n".join(declared.lines) + "\n"
        for name, declared in sections.items()
    )
    return _HEAD + _imports(imports) + _CLASS + body


def _imports(imports: dict[str, set[str]]) -> str:
    groups = (
        ("typing",),
        ("msgspec",),
        ("cx_context.parts.rules", "cx_context.parts.stored_names", "cx_context.parts.values"),
    )
    return "\n".join("".join(_import(module, imports.pop(module, set())) for module in group) for group in groups)


def _import(module: str, names: set[str]) -> str:
    ordered = sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    line = f"from {module} import {', '.join(ordered)}\n"
    if not names or len(line) <= 121:
        return line if names else ""
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in ordered) + ")\n"


if __name__ == "__main__":
    TARGET.write_text(model(), encoding="utf-8")
