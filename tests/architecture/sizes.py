"""Print how large files and functions are, and which modules import each other in a circle.

    python -m tests.architecture.sizes

Counted are the lines of ``libs`` and ``services``, migrations left out: a revision is written once.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from tests.architecture.trees import tree

ROOT = Path(__file__).parents[2]

FILE_LINES = 400
"""The most that a file may have."""

FUNCTION_LINES = 40
"""The most that a function should have, its docstring included."""


class Size(NamedTuple):
    """Lines of a file or of a function. ``name``: a path below the root, of a function with ``:NAME``."""

    lines: int
    name: str


def sources(root: Path = ROOT) -> list[Path]:
    """Return all modules of the product, migrations left out, in the order of their paths."""
    found = (path for folder in ("libs", "services") for path in (root / folder).rglob("*.py"))
    return sorted(path for path in found if "versions" not in path.parts)


def file_sizes(paths: Iterable[Path], root: Path = ROOT) -> list[Size]:
    """Return the lines of each file, the largest last."""
    return sorted(Size(path.read_text(encoding="utf-8").count("\n"), str(path.relative_to(root))) for path in paths)


def function_sizes(paths: Iterable[Path], root: Path = ROOT) -> list[Size]:
    """Return the lines of each function and method, the largest last. A function within another counts in both."""
    return sorted(
        Size((node.end_lineno or node.lineno) - node.lineno + 1, f"{path.relative_to(root)}:{node.name}")
        for path in paths
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def module_name(path: Path, root: Path = ROOT) -> str:
    """Return the dotted name of a module below ``libs`` or ``services``."""
    parts = path.relative_to(root).with_suffix("").parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_graph(modules: Mapping[str, ast.Module]) -> dict[str, set[str]]:
    """Return which of the modules each imports, also within functions and for type checking alone.

    ``from package import name`` is an import of the module ``package.name`` where there is one, else of the package.
    """
    return {
        name: {target for target in _targets(tree, modules.keys()) if target != name} for name, tree in modules.items()
    }


def _targets(tree: ast.Module, known: Iterable[str]) -> Iterator[str]:
    names = frozenset(known)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.ImportFrom) and node.module in names:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in names else node.module


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the groups of modules that import each other, however indirectly.

    These are the strongly connected components of more than one module (Tarjan, 1972).
    """
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for target in graph[node]:
            if target not in order:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], order[target])
        if low[node] == order[node]:
            at = stack.index(node)
            group = stack[at:]
            del stack[at:]
            if len(group) > 1:
                found.append(sorted(group))

    sys.setrecursionlimit(max(sys.getrecursionlimit(), 5000))
    for node in sorted(graph):
        if node not in order:
            visit(node)
    return sorted(found)


def circles_of(paths: Iterable[Path], root: Path = ROOT) -> list[list[str]]:
    """Return the groups of these files' modules that import each other."""
    trees = {module_name(path, root): tree(path) for path in paths}
    return circles(import_graph(trees))


def p90(sizes: Sequence[Size]) -> float:
    """Return the number of lines that nine of ten have at most."""
    return quantiles([size.lines for size in sizes], n=100)[89]


def _summary(what: str, sizes: Sequence[Size]) -> str:
    lines = [size.lines for size in sizes]
    cuts = quantiles(lines, n=100)
    return (
        f"{what}: {len(lines)}, median {median(lines):.0f}, p90 {cuts[89]:.0f}, p99 {cuts[98]:.0f}, largest {lines[-1]}"
    )


def main() -> None:
    """Print the summary, the largest of each, and every circle."""
    paths = sources()
    files = [size for size in file_sizes(paths) if size.lines]
    functions = function_sizes(paths)
    print(_summary("files", files))
    for size in files[:-6:-1]:
        print(f"  {size.lines:5} {size.name}")
    print(_summary("functions", functions))
    for size in functions[:-6:-1]:
        print(f"  {size.lines:5} {size.name}")
    over = sum(size.lines > FUNCTION_LINES for size in functions)
    print(f"  {over} over {FUNCTION_LINES}")
    found = circles_of(paths)
    print(f"circles: {len(found)}")
    for group in found:
        print(f"  {' '.join(group)}")


if __name__ == "__main__":
    main()
