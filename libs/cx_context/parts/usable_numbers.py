"""Find the numbers of an event that the fold can't use."""

from __future__ import annotations

from cx_events.envelope import Data

SENTIMENT_RANGE = 1.0
SCORE_RANGE = 1000.0
"""Beyond any survey's scale."""


def thousandths(score: float, most: float) -> int | None:
    """Return a score in thousandths; None where it is beyond ``most`` or no number."""
    return round(score * 1000) if -most <= score <= most else None


def unusable(data: Data) -> str:
    """Return what of an event is skipped by the fold, as a sentence; "" where all can be used. Raise nothing."""
    if not data.transcript and data.insight is None and data.survey is None:
        return ""
    sentiments = [line.sentiment for line in data.transcript]
    if data.insight is not None:
        sentiments.append(data.insight.sentiment)
    if any(score is not None and thousandths(score, SENTIMENT_RANGE) is None for score in sentiments):
        return "a sentiment is not within -1 to 1"
    if data.survey is not None and thousandths(data.survey.score, SCORE_RANGE) is None:
        return f"data.survey.score is not within -{SCORE_RANGE:.0f} to {SCORE_RANGE:.0f}"
    return ""
