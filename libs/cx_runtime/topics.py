"""Load the declarations of the topics: the product's, and the operators' own from ``CX_TOPICS``."""

from __future__ import annotations

from pathlib import Path

import yaml

from cx_events.errors import Refused
from cx_events.log.declarations import Declarations, TopicDeclaration, declared_topics, read_declaration
from cx_runtime.settings import Settings


def load_declarations(settings: Settings) -> Declarations:
    """Return the declaration of every topic.

    Raises ``Refused("bad-declaration")`` with the file and the member that is wrong.
    """
    changed = {} if settings.topics is None else _read_folder(settings.topics)
    return declared_topics(settings.partitions, changed)


def _read_folder(folder: Path) -> dict[str, TopicDeclaration]:
    try:
        files = sorted(folder.glob("*.yaml"))
        if not files:
            raise Refused("bad-declaration", f"{folder} has no *.yaml; schemas/topics has one of each topic")
        found: dict[str, TopicDeclaration] = {}
        for file in files:
            declaration = _read_file(file)
            if declaration.topic in found:
                raise Refused("bad-declaration", f"{file}: {declaration.topic} is declared twice")
            found[declaration.topic] = declaration
    except OSError as error:
        raise Refused("bad-declaration", f"{folder} can't be read: {error.strerror}") from None
    return found


def _read_file(file: Path) -> TopicDeclaration:
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
        return read_declaration(content)
    except Refused as error:
        raise Refused("bad-declaration", f"{file}: {error.detail}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Refused("bad-declaration", f"{file} is no YAML: {' '.join(str(error).split())}") from None
