"""Read somebody else's XML without trust: no document type, so no entities of its own and nothing from outside.

Names are local ones: a prefix tells nothing that a reader here needs, and recorders spell namespaces in several ways.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from cx_events.errors import Refused

MOST_DEPTH = 32
MOST_ELEMENTS = 20_000


@dataclass(slots=True)
class Element:
    """An element by its local name; ``text``: what stands directly in it, without blanks around it."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, name: str) -> list[Element]:
        """Return the children of a name."""
        return [each for each in self.children if each.name == name]

    def words(self, *names: str) -> str:
        """Return the text of the first child, or the value of the attribute, that has any of these names."""
        for name in names:
            for each in self.children:
                if each.name == name and each.text:
                    return each.text
            if self.attributes.get(name):
                return self.attributes[name].strip()
        return ""


class _Reader:
    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[tuple[Element, list[str]]] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= MOST_DEPTH or self._count > MOST_ELEMENTS:
            raise Refused("malformed", f"the XML has more than {MOST_DEPTH} levels or {MOST_ELEMENTS} elements")
        local = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        element = Element(name.rpartition(":")[2], local)
        if self._open:
            self._open[-1][0].children.append(element)
        elif self.root is None:
            self.root = element
        self._open.append((element, []))

    def end(self, _name: str) -> None:
        element, pieces = self._open.pop()
        element.text = "".join(pieces).strip()

    def data(self, text: str) -> None:
        if self._open:
            self._open[-1][1].append(text)

    def doctype(self, *_what: object) -> None:
        raise Refused("malformed", "the XML has a document type, which is not read: it could name entities")


def read_xml(body: bytes) -> Element:
    """Return the root of a document. Raise ``Refused("malformed")`` for what is no XML, or has a document type."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(body.removeprefix(b"\xef\xbb\xbf").strip(), True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Refused("malformed", f"not XML: {error}") from None
    if reader.root is None:
        raise Refused("malformed", "not XML: it has no element")
    return reader.root
