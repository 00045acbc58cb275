"""Rules of the house that import-linter can't say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.architecture import trees
from tests.growth.patterns import at_import, may_have_patterns, re_calls

from cx_channels.registry import folder_name, providers
from cx_context.store.all_tables import METADATA
from cx_projectors.verify.tables import CHECKS

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for root in ("libs", "services") for path in (ROOT / root).rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in SOURCES]

READS_THE_ENVIRONMENT = {
    "libs/cx_runtime/settings.py",
    "services/cx_hub/stack/control.py",  # hands it on to the servers that it starts
}
SPEAKS_SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX|DATABASE))\b", re.DOTALL
)
SQL_ROOMS = (
    "libs/cx_context/store/",
    "libs/cx_events/log/sqlite",
    "libs/cx_events/blob/postgres.py",
    "services/cx_hub/stack/",
)
HTTP_MODULES = {
    "connection_routes.py",
    "documented.py",
    "event_page_routes.py",
    "letter_routes.py",
    "log_routes.py",
    "projector_routes.py",
    "rebuild_routes.py",
    "replay_routes.py",
    "subscription_routes.py",
    "router.py",
    "app.py",
    "routes.py",
    "agent_action_routes.py",
    "journey_routes.py",
    "brief_routes.py",
    "directory_routes.py",
    "session_routes.py",
    "page_routes.py",
    "presence_routes.py",
    "session_auth.py",
    "continuity_token_routes.py",
    "upload_routes.py",
    "event_routes.py",
    "http_endpoint.py",
    "hook_routes.py",
    "responses.py",
    "chat_sessions.py",
    "chat_socket.py",
    "processes.py",
    "cors.py",
    "http_connections.py",
    "http.py",
    "health.py",
    "problems.py",
    "serve.py",
    "load_shedding.py",
    "fast_routes.py",
    "whole_answers.py",
}


def tree(name: str) -> ast.Module:
    return trees.tree(ROOT / name)


def imports(name: str) -> Iterator[str]:
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imported(node)


def imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Yield the modules and names that one import statement may mean."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def code_strings(name: str) -> Iterator[str]:
    """String literals that are not docstrings; an f-string as its constant pieces joined."""
    whole = tree(name)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(whole)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(whole):
        if isinstance(node, ast.JoinedStr):
            yield " ".join(str(each.value) for each in node.values if isinstance(each, ast.Constant))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_all_sources_are_checked() -> None:
    assert len(SOURCES) > 100


def test_the_environment_is_read_in_settings_alone() -> None:
    reading = {
        name
        for name in NAMES
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb")
    }
    assert reading == READS_THE_ENVIRONMENT


def test_sql_stands_in_stores_alone() -> None:
    speaking = {name for name in NAMES if any(SPEAKS_SQL.search(text) for text in code_strings(name))}
    assert any(name.startswith("libs/cx_context/store/") for name in speaking)
    assert not {name for name in speaking if not name.startswith(SQL_ROOMS)}


def test_fastapi_and_starlette_stand_at_the_rim_alone() -> None:
    # Headers are a mapping that checks of callers read; nothing of a request.
    harmless = {"starlette.datastructures", "starlette.datastructures.Headers"}
    web = {
        name
        for name in NAMES
        for each in imports(name)
        if each.partition(".")[0] in ("fastapi", "starlette") and each not in harmless
    }
    assert web
    assert not {name for name in web if Path(name).name not in HTTP_MODULES}


def test_patterns_are_compiled_when_their_module_is_imported() -> None:
    # Made from rules and from a mail's boundary. All are entrances of tests/growth.
    made_from_data = {
        "libs/cx_events/junk.py": 1,
        "libs/cx_identity/rules.py": 1,
        "services/cx_channels/kit/mail/mime/boundaries.py": 3,
    }
    having = [name for name in NAMES if may_have_patterns((ROOT / name).read_text(encoding="utf-8"))]
    inside = {name: sum(1 for _ in re_calls(tree(name))) - sum(1 for _ in at_import(tree(name))) for name in having}
    assert {name: count for name, count in inside.items() if count} == made_from_data
    not_compiled = {name for name in having for call in at_import(tree(name)) if ast.unparse(call.func) != "re.compile"}
    assert not not_compiled
    renamed = {
        name
        for name in NAMES
        for node in ast.walk(tree(name))
        if (isinstance(node, ast.ImportFrom) and node.module in ("re", "regex"))
        or (isinstance(node, ast.Import) and any(a.name in ("re", "regex") and a.asname for a in node.names))
    }
    assert not renamed


def test_no_module_has_a_vague_name() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert not [name for name in NAMES if set(Path(name).with_suffix("").parts) & vague]


def test_every_module_has_a_docstring() -> None:
    written = [name for name in NAMES if (ROOT / name).stat().st_size]
    assert not [name for name in written if not ast.get_docstring(tree(name))]


def test_every_table_of_the_store_is_verified() -> None:
    """State what each new table must hold, in ``cx_projectors.verify.tables``."""
    assert CHECKS.keys() == METADATA.tables.keys()


def test_no_source_has_a_todo() -> None:
    later = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError")
    assert not [name for name in NAMES if later.search((ROOT / name).read_text(encoding="utf-8"))]


def test_no_source_waits_by_wait_for() -> None:
    """In Python 3.11 a task that is cancelled as what it waits for is done goes on: use ``asyncio.timeout``
    (https://github.com/python/cpython/issues/86296)."""
    assert not [name for name in NAMES if "asyncio.wait_for(" in (ROOT / name).read_text(encoding="utf-8")]


@pytest.mark.parametrize("provider", sorted(providers()))
def test_every_provider_is_documented_and_recorded(provider: str) -> None:
    folder = ROOT / "services" / "cx_channels" / folder_name(provider)
    assert (folder / "README.md").stat().st_size > 500
    assert any((folder / "fixtures").iterdir())
    assert any((folder / "golden").iterdir())


@pytest.mark.parametrize("provider", sorted(providers()))
def test_no_provider_knows_another(provider: str) -> None:
    own = f"cx_channels.{folder_name(provider).replace('/', '.')}"
    channels = tuple(f"cx_channels.{folder}" for folder in ("voice", "chat", "email", "social"))
    folder = ROOT / "services" / "cx_channels" / folder_name(provider)
    for path in folder.rglob("*.py"):
        foreign = [
            each
            for each in imports(str(path.relative_to(ROOT)))
            if each.startswith(channels) and not (each == own or each.startswith(f"{own}."))
        ]
        assert not foreign, path


PURE = (
    "libs/cx_client/core/",
    "libs/cx_events/building/",
    "libs/cx_identity/",
    "libs/cx_vcon/",
    "libs/cx_context/reference_definition.py",
    "libs/cx_context/document.py",
    "libs/cx_context/explain/",
    "libs/cx_context/parts/",
    "libs/cx_context/sections/",
    "libs/cx_context/threading/",
    "libs/cx_events/types/",
    "services/cx_channels/kit/",
    "services/cx_channels/chat/",
    "services/cx_channels/email/",
    "services/cx_channels/social/",
    "services/cx_channels/voice/",
    "services/cx_projectors/plan.py",
)
"""Folders and modules that compute, and touch nothing outside."""

NOT_PURE = (
    "services/cx_channels/chat/webchat/server/",  # serves sockets and files by itself
    "libs/cx_context/parts/write_model.py",  # writes a module of the product, when it is asked to
    # Ask vendors by themselves: sources, and the clients that these use.
    *(
        str(path.relative_to(ROOT))
        for pattern in ("*/*/stream.py", "*/*/poller.py", "*/*/listing.py", "*/*/client/*.py")
        for path in sorted((ROOT / "services" / "cx_channels").glob(pattern))
    ),
)

RIM = {
    "aiofiles", "aiokafka", "aiosmtpd", "aiosqlite", "asyncio", "asyncpg", "fastapi", "http", "httpx2", "io.open",
    "multiprocessing", "os", "pathlib", "random", "secrets", "signal", "smtplib", "socket", "socketserver",
    "sqlalchemy", "sqlite3", "ssl", "starlette", "subprocess", "tempfile", "threading", "time",
    "urllib.request", "websockets",
}  # fmt: skip
"""What reads or changes the world outside: files, sockets, processes, clocks, chance, the event loop."""


def outside(each: str) -> bool:
    """Whether an import is of something in ``RIM``."""
    return is_below(each, tuple(RIM))


def test_pure_folders_import_nothing_outside() -> None:
    pure = [name for name in NAMES if name.startswith(PURE) and not name.startswith(NOT_PURE)]
    for folder in PURE:
        assert any(name.startswith(folder) for name in pure), folder
    assert not [(name, each) for name in pure for each in imports(name) if outside(each)]
    calls = [(name, node) for name in pure for node in ast.walk(tree(name)) if isinstance(node, ast.Call)]
    assert not [name for name, call in calls if isinstance(call.func, ast.Name) and call.func.id == "open"]


@pytest.mark.parametrize(
    "line", ["import socket", "from os import path", "import urllib.request", "from asyncio import sleep"]
)
def test_an_impure_import_is_seen(line: str) -> None:
    (node,) = ast.parse(line).body
    assert isinstance(node, ast.Import | ast.ImportFrom)
    assert any(outside(each) for each in imported(node))


PROVIDER_FOLDERS = tuple(f"services/cx_channels/{channel}/" for channel in ("voice", "chat", "email", "social"))
MAY_MAP_WITH = ("cx_channels.kit", "cx_channels.provider", "cx_events", "cx_vcon")
NEVER_MAP_WITH = (
    "cx_events.log",
    "cx_events.blob.open",
    "cx_events.blob.folder",
    "cx_events.blob.postgres",
    "cx_events.private_files",
    "cx_events.pooled_connections",
)


def test_a_provider_uses_the_kit_and_the_language_alone() -> None:
    of_providers = [name for name in NAMES if name.startswith(PROVIDER_FOLDERS) and not name.startswith(NOT_PURE)]
    assert len(of_providers) > 30
    for name in of_providers:
        may = (".".join(Path(name).parts[1:4]), *MAY_MAP_WITH)
        ours = [each for each in imports(name) if each.startswith("cx_")]
        assert not [each for each in ours if not is_below(each, may) or is_below(each, NEVER_MAP_WITH)], name


def is_below(each: str, modules: tuple[str, ...]) -> bool:
    """Whether a name is one of these modules, or within one."""
    return any(each == module or each.startswith(f"{module}.") for module in modules)


def test_json_objects_have_one_type() -> None:
    defined = [
        name
        for name in NAMES
        for node in tree(name).body
        if isinstance(node, ast.Assign)
        and any(isinstance(each, ast.Name) and each.id == "Json" for each in node.targets)
    ]
    assert defined == ["libs/cx_events/json_types.py"]


CHANNELS = {ROOT / "services" / "cx_channels" / channel for channel in ("voice", "chat", "email", "social")}
"""Folders that hold a folder per provider: a new one must need no edit outside of its own."""

PACKAGES = sorted(
    path.parent
    for path in SOURCES
    if path.name == "__init__.py"
    and path.stat().st_size
    and path.parent.name != "versions"
    and path.parent not in CHANNELS
)


def listed(package: Path) -> tuple[set[str], set[str]]:
    """Return all names in double backticks after ``Modules``, and those that stand there as a module's."""
    text = ast.get_docstring(trees.tree(package / "__init__.py")) or ""
    listing = text.partition("Modules")[2]
    as_modules = re.findall(r"(?m)^(?:- )?``(\w+)/?``|``(\w+)/?`` \(", listing)
    return set(re.findall(r"``(\w+)/?``", listing)), {one or other for one, other in as_modules}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_package_names_its_modules(package: Path) -> None:
    """All of them and no others, in double backticks after ``Modules`` in its docstring."""
    inside = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}
    inside |= {path.parent.name for path in package.glob("*/__init__.py")} - {"versions"}
    named, as_modules = listed(package)
    assert inside - named == set(), "these are not named"
    assert as_modules - inside == set(), "these are named and not there"


BAD_BEGINNINGS = re.compile(r"(Of|Who|Whose|Whom|What|Whether|That|Which|How|Where)\b")
PUBLISHED = {
    "libs/cx_events/envelope.py Participant",
    "libs/cx_events/envelope.py Waiting",
    "services/cx_context_api/requests/bodies.py Agent",
}
"""Classes whose docstrings are descriptions in released schemas: reworded when the schema changes."""

Documented = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def docstrings(name: str) -> Iterator[tuple[str, str]]:
    """Yield the place and the docstring of a module, and of each function and class in it."""
    for node in ast.walk(tree(name)):
        if isinstance(node, Documented) and (text := ast.get_docstring(node)):
            yield name if isinstance(node, ast.Module) else f"{name} {node.name}", text


def test_docstrings_begin_with_what_the_thing_does() -> None:
    found = {place for name in NAMES for place, text in docstrings(name) if BAD_BEGINNINGS.match(text)}
    assert found == PUBLISHED


MOST_WORDS = 9
"""The most words that a test's name may have after ``test_``."""

TESTS = sorted([*(ROOT / "tests").rglob("*.py"), *SOURCES])


def long_test_names(module: ast.Module) -> list[str]:
    """Return the names of tests in a module that have too many words, parted by underscores."""
    return [
        node.name
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and node.name.count("_") > MOST_WORDS
    ]


def test_a_tests_name_has_at_most_nine_words() -> None:
    found = {str(path.relative_to(ROOT)): long_test_names(trees.tree(path)) for path in TESTS}
    assert "tests/architecture/test_house_rules.py" in found
    assert {path: names for path, names in found.items() if names} == {}


def test_a_tests_name_of_ten_words_is_seen() -> None:
    ten = "one_two_three_four_five_six_seven_eight_nine_ten"
    source = f"def test_{ten}(): ...\nclass Any:\n    async def test_other_{ten}(self): ...\ndef test_{ten[:-4]}(): ..."
    assert long_test_names(ast.parse(source)) == [f"test_{ten}", f"test_other_{ten}"]
