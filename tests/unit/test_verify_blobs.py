"""The blobs that verify looks for: of files, of originals, of dead letters."""

from __future__ import annotations

from typing import Any

import pytest

from cx_events.blob import blob_name
from cx_events.testing.builders import an_event, fact_of
from cx_projectors.verify.blobs import blobs_of_facts

NAME = blob_name(b"a large original")


@pytest.mark.parametrize(
    "raw",
    [{"blob": NAME}, {"blob": NAME, "content_type": "message/rfc822"}, {"blob": NAME, "charset": "utf-8", "part": [1]}],
)
def test_an_original_is_looked_for_beside_other_members(raw: dict[str, Any]) -> None:
    fact = fact_of(an_event(id="m-1", email="ana@example.com", data={"raw": raw}))
    assert list(blobs_of_facts([fact])) == [("acme", NAME)]


@pytest.mark.parametrize("raw", [{"blob": "sha256:short"}, {"text": NAME}, NAME, None])
def test_what_names_no_blob_is_not_looked_for(raw: Any) -> None:
    fact = fact_of(an_event(id="m-1", email="ana@example.com", data={"raw": raw}))
    assert not blobs_of_facts([fact])
