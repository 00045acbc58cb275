"""Declare events of answers to surveys."""

from __future__ import annotations

from cx_events.event_type import EventType
from cx_events.types.story import ANA_BY_MAIL, CALL, told

TYPES = (
    EventType(
        name="cx.survey.answered.v1",
        scope="events:write",
        summary="The customer answered a survey: NPS from 0 to 10, CSAT or CES on a scale of at most 1 to 7.",
        needs=("survey",),
        example=told(
            "cx.survey.answered.v1",
            "survey-31",
            "13:00:00",
            "surveys",
            channel="survey",
            interaction="survey-31",
            direction="inbound",
            participants=[ANA_BY_MAIL],
            references=[{"kind": "call", "value": CALL}],
            survey={"metric": "csat", "score": 5, "comment": "Ben was great, the chat was not."},
        ),
    ),
)
