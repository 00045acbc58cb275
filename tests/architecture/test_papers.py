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
PAPERS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("services/**/*.md"), *ROOT.glob("libs/**/*.md")]
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"```sh\n(.*?)```|`([^`\n]+)`", re.DOTALL)
COMMAND = re.compile(r"(?:^|[`\s;])(?:\./)?cx ([a-z]+)", re.MULTILINE)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("paper", PAPERS, ids=name_of)
def test_links_between_papers_lead_somewhere(paper: Path) -> None:
    for target in LINK.findall(paper.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:|#", target):
            assert (paper.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("paper", PAPERS, ids=name_of)
def test_papers_speak_of_commands_that_there_are(paper: Path) -> None:
    code = "\n".join("".join(found) for found in CODE.findall(paper.read_text(encoding="utf-8")))
    assert set(COMMAND.findall(code)) <= set(COMMANDS)


NAMED_TEST = re.compile(r"`((?:[\w-]+/)*test_\w+\.py)::(test_\w+)`")


def test_each_threat_names_tests_that_there_are() -> None:
    named = NAMED_TEST.findall((ROOT / "docs" / "security.md").read_text(encoding="utf-8"))
    assert len(named) > 20
    for file, test in named:
        path = ROOT / "tests" / (file if "/" in file else f"unit/{file}")
        assert re.search(rf"^(async )?def {test}\(", path.read_text(encoding="utf-8"), re.MULTILINE), f"{file}::{test}"


def test_the_readme_names_both_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "./cx demo" in text
    assert "./cx test" in text


@pytest.mark.parametrize("paper", pages(), ids=name_of)
def test_what_is_made_from_the_code_is_up_to_date(paper: Path) -> None:
    assert paper.read_text(encoding="utf-8") == pages()[paper], "python -m cx_hub.generated_docs writes it anew"


def test_the_example_configuration_is_one(tmp_path: Path) -> None:
    example = ROOT / "deploy" / "example.yaml"
    needed = set(re.findall(r"\$\{([A-Z_]+)\}", re.sub(r"(?m)^#.*$", "", example.read_text(encoding="utf-8"))))
    tenants = load(example, tmp_path, {name: f"a placeholder of {name}" for name in needed})
    assert configured_rules("acme", tenants.by_name["acme"]).never_link
    for tenant in tenants.by_name.values():
        assert {connection.provider for connection in tenant.connections.values()} <= set(providers())
