"""Give JSON Schemas of vCons to HTTP services' documents. The draft's own is ``schemas/vcon/unsigned.schema.json``."""

from __future__ import annotations

from collections.abc import Mapping

from cx_events.json_types import Json
from cx_events.schema_shapes import FREE, TEXT, array, named

_PARTS: Mapping[str, Json] = {name: array(FREE) for name in ("parties", "dialog", "analysis", "attachments")}

VCON = named(
    "Vcon",
    {"uuid": TEXT},
    _PARTS,
    "The unsigned form of draft-ietf-vcon-vcon-core. One that was imported, and to which nothing was added, has the "
    "syntax that it came in.",
)
VCON_TO_IMPORT = named(
    "VconToImport",
    {},
    {"vcon": TEXT, "uuid": TEXT, "subject": TEXT, **_PARTS},
    "A vCon of the syntax 0.0.1 to 0.4.0. Without `uuid` it gets one that follows from its content.",
)
