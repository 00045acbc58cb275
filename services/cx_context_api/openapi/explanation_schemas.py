"""Describe answers about the events behind a value: lineages and diffs."""

from __future__ import annotations

from collections.abc import Mapping

from cx_context_api.openapi.shapes import META_MEMBERS, META_OPTIONAL, NEXT
from cx_events.json_types import Json
from cx_events.schema_shapes import FLAG, ID, TEXT, TIME, array, members, named, ref

_MOMENT = named("MomentOfCustomer", {**META_MEMBERS, "customer": ID}, META_OPTIONAL)

EXPLANATION_SCHEMAS: Mapping[str, Json] = {
    "Source": {
        **members({"event": ref("EventName"), "type": TEXT, "time": TIME}, {"why": TEXT}),
        "description": "An event. `why`: for what it stands, where it did not give the value itself.",
    },
    "Lineage": {
        **members(
            {
                "meta": ref("Meta"),
                "customer": ID,
                "path": TEXT,
                "value": {},
                "rule": TEXT,
                "sources": array(ref("Source")),
                "next": NEXT,
            }
        ),
        "description": "`sources`, newest first: the events without which the value would be another, who is who held "
        "fixed; where none is needed, those of which each would do alone.",
    },
    "Diff": {
        **members(
            {
                "from": _MOMENT,
                "to": _MOMENT,
                "changes": array(
                    named("ValueChange", {"path": TEXT, "events": array(ref("Source"))}, {"from": {}, "to": {}})
                ),
                "events": array(ref("Source")),
                "cut": FLAG,
            }
        ),
        "description": "`changes`: values that differ, items of lists by what they are; `from` or `to` is left out "
        "where there was or is nothing. `cut`: more events lie between than are tried and told.",
    },
}
