"""The papers: their links lead somewhere, what is generated is up to date, what is shown works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cx_channels.registry import providers
from cx_hub.cli import COMMANDS
from cx_hub.generated_docs import pages
from cx_hub.identity_rules import configured_rules
from cx_runtime.tenants import load

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "deploy", "services", "libs")
PAPERS = sorted([*ROOT.glob("*.md"), *(path for name in FOLDERS for path in ROOT.glob(f"{name}/**/*.md"))])
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+?) *$", re.MULTILINE)
CODE = re.compile(r"```sh\n(.*?)```|`([^`\n]+)`", re.DOTALL)
COMMAND = re.compile(r"(?:^|[`\s;])(?:\./)?cx ([a-z]+)", re.MULTILINE)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("paper", PAPERS, ids=name_of)
def test_links_between_papers_lead_somewhere(paper: Path) -> None:
    for target in LINK.findall(paper.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:|#", target):
            assert (paper.parent / target.partition("#")[0]).exists(), target


def headings(paper: Path) -> set[str]:
    """Return the names by which links lead to the headings of a paper, as GitHub and GitLab make them."""
    text = re.sub(r"(?ms)^```.*?^```", "", paper.read_text(encoding="utf-8"))
    titles = (re.sub(r"\]\([^)]*\)", "", title).lower() for title in HEADING.findall(text))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("paper", PAPERS, ids=name_of)
def test_links_to_headings_lead_to_one(paper: Path) -> None:
    for target in LINK.findall(paper.read_text(encoding="utf-8")):
        file, mark, heading = target.partition("#")
        if mark and not re.match(r"[a-z]+:", target):
            assert heading in headings(paper.parent / file if file else paper), target


@pytest.mark.parametrize("paper", PAPERS, ids=name_of)
def test_papers_name_existing_commands(paper: Path) -> None:
    code = "\n".join("".join(found) for found in CODE.findall(paper.read_text(encoding="utf-8")))
    assert set(COMMAND.findall(code)) <= set(COMMANDS)


NAMED_TEST = re.compile(r"`((?:[\w-]+/)*test_\w+\.py)::(test_\w+)`")


def test_each_threat_names_existing_tests() -> None:
    named = NAMED_TEST.findall((ROOT / "docs" / "security.md").read_text(encoding="utf-8"))
    assert len(named) > 20
    for file, test in named:
        path = ROOT / "tests" / (file if "/" in file else f"unit/{file}")
        assert re.search(rf"^(async )?def {test}\(", path.read_text(encoding="utf-8"), re.MULTILINE), f"{file}::{test}"


def test_decisions_are_numbered_as_they_are_titled() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert decisions
    for paper in decisions:
        title = paper.read_text(encoding="utf-8").partition("\n")[0]
        assert title.startswith(f"# {int(paper.name[:4])}. "), paper.name
    numbers = [paper.name[:4] for paper in decisions]
    assert len(numbers) == len(set(numbers))


def test_the_glossary_has_at_most_forty_words() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    glossary = text.partition("\n## Glossary\n")[2].partition("\n## ")[0]
    words = re.findall(r"^\| \*\*([^*]+)\*\* \|", glossary, re.MULTILINE)
    assert 20 <= len(words) <= 40
    assert len(words) == len(set(words))
    assert text.count("\n") <= 140, "one page"


def test_the_readme_names_both_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "./cx demo" in text
    assert "./cx test" in text


@pytest.mark.parametrize("paper", pages(), ids=name_of)
def test_generated_papers_are_up_to_date(paper: Path) -> None:
    assert paper.read_text(encoding="utf-8") == pages()[paper], "python -m cx_hub.generated_docs writes it anew"


def test_the_example_configuration_loads(tmp_path: Path) -> None:
    example = ROOT / "deploy" / "example.yaml"
    needed = set(re.findall(r"\$\{([A-Z_]+)\}", re.sub(r"(?m)^#.*$", "", example.read_text(encoding="utf-8"))))
    tenants = load(example, tmp_path, {name: f"a placeholder of {name}" for name in needed})
    assert configured_rules("acme", tenants.by_name["acme"]).never_link
    for tenant in tenants.by_name.values():
        assert {connection.provider for connection in tenant.connections.values()} <= set(providers())


DOTTED = re.compile(r"`(cx_[a-z_]+(?:\.\w+)+)")
FILES = re.compile(r"(?<![\w/])((?:libs/|services/)?cx_[a-z_]+(?:/[\w-]+)*/[\w-]+\.(?:py|js|md|yaml))")
CODE_ROOTS = ("libs", "services")


def modules() -> dict[str, set[str]]:
    """Return the names at the top of every module of the product, by its dotted name."""
    found: dict[str, set[str]] = {}
    for root in CODE_ROOTS:
        for path in (ROOT / root).rglob("*.py"):
            parts = path.relative_to(ROOT / root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = set(re.findall(r"^(?:async )?(?:def|class)? ?(\w+)\b", path.read_text("utf-8"), re.MULTILINE))
            found[name] |= set(re.findall(r"^    \w*\b(\w+),?$", path.read_text("utf-8"), re.MULTILINE))
    return found


MODULES = modules()
PROSE = [*PAPERS, *(path for root in (*CODE_ROOTS, "tests") for path in sorted((ROOT / root).rglob("*.py")))]


def is_there(dotted: str) -> bool:
    """Whether a dotted name is a module, or a name at the top of one (with attributes of it behind)."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        names = MODULES.get(".".join(parts[:count]))
        if names is not None:
            return count == len(parts) or parts[count] in names
    return False


def test_modules_named_in_prose_exist() -> None:
    named = {(name_of(path), each) for path in PROSE for each in DOTTED.findall(path.read_text("utf-8"))}
    assert len(named) > 50
    assert sorted((place, each) for place, each in named if not is_there(each)) == []


def test_files_named_in_prose_exist() -> None:
    named = {(name_of(path), each) for path in PROSE for each in FILES.findall(path.read_text("utf-8"))}
    missing = [
        (place, each) for place, each in named if not any((ROOT / root / each).exists() for root in ("", *CODE_ROOTS))
    ]
    assert sorted(missing) == []
