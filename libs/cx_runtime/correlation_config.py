"""Read the configuration of a correlation: by which fields two connections tell of one call."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from cx_runtime.durations import seconds_of


class CorrelationConfig(BaseModel):
    """One correlation.

    ``fields``: by connection, the path in an event's data, or several, whose values are equal in both. ``within``:
    seconds between the begins of the two calls, at most.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fields: dict[str, tuple[str, ...]] = Field(min_length=2, max_length=16)
    within: int = Field(120, ge=1, le=86_400)

    @field_validator("within", mode="before")
    @classmethod
    def _duration(cls, value: object) -> object:
        return seconds_of(value)

    @field_validator("fields", mode="before")
    @classmethod
    def _lists(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: (paths,) if isinstance(paths, str) else paths for name, paths in value.items()}

    @field_validator("fields")
    @classmethod
    def _alike(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        counts = {len(paths) for paths in value.values()}
        if counts - {1, 2, 3, 4} or len(counts) != 1:
            raise ValueError("each connection names as many paths as the others, 1 to 4")
        return value
