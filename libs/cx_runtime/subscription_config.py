"""Read the configuration of a subscription: what of a tenant's stream goes where, signed by which secrets."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cx_events.filters import BadFilter, compile_filter
from cx_events.log import CONTEXT_CHANGES, INTERACTIONS
from cx_runtime.outbound.signatures import check_secret
from cx_runtime.outbound.urls import check_url

What = Literal["events", "context-changes", "overdue"]


class SubscriptionConfig(BaseModel):
    """One subscription.

    ``url``: of the receiver. ``what``: the tenant's events as they lie on the log, notices that a context
    changed, or that a customer has waited longer than a queue's ``answer_within``.
    ``filter``: as ``cx replay --where``; empty for all. ``secrets``: ``whsec_...``, the newest first.
    ``since``: where a new subscription begins, with what comes ``now`` or at the log's ``beginning``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    what: What = "events"
    filter: str = ""
    secrets: tuple[str, ...] = Field(min_length=1, max_length=5)
    since: Literal["now", "beginning"] = "now"
    paused: bool = False

    @property
    def topic(self) -> str:
        """The log's topic that it reads."""
        return INTERACTIONS if self.what == "events" else CONTEXT_CHANGES

    @field_validator("url")
    @classmethod
    def _postable(cls, value: str) -> str:
        return check_url(value)

    @field_validator("secrets")
    @classmethod
    def _usable(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for secret in value:
            check_secret(secret)
        return value

    @model_validator(mode="after")
    def _filtering(self) -> Self:
        if self.filter:
            try:
                compile_filter(self.filter, self.topic)
            except BadFilter as error:
                raise ValueError(f"the filter: {error}") from None
        return self
