"""Follow several subjects at once, over one connection: each event names the one that it is about.

``Last-Event-ID`` holds what the client has of each of them, and stands at the last event of what is written at once: a
client that breaks off in between is sent again what came after the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Literal, NamedTuple, Protocol

import msgspec

from cx_context_api.following.resume_token import encode_marks
from cx_context_api.following.sse import Frame, json_frame
from cx_context_api.following.subscriptions import Subscription
from cx_events.errors import Refused, TooFast, TryLater
from cx_events.ids import IdSpace

STREAM = b"several"
MOST_SUBJECTS = 50
MOST_BYTES = 256 << 10
"""Written at once, at least: then the next subject waits until the client has taken it."""

SubjectKind = Literal["agent", "queue", "customer", "conversation"]


class Subject(NamedTuple):
    """One that is followed: ``id`` as it was asked for."""

    kind: SubjectKind
    id: str

    @property
    def key(self) -> bytes:
        """Return six bytes that stand for it in ``Last-Event-ID``."""
        return blake2b(f"{self.kind}\0{self.id}".encode(), digest_size=6).digest()

    def encoded(self) -> bytes:
        """Return its JSON."""
        return msgspec.json.encode({"kind": self.kind, "id": self.id})


class SubjectFollower(Protocol):
    """Knows what a client has of one subject, and what to send it next."""

    @property
    def subscription(self) -> Subscription: ...

    async def next_frames(self) -> list[Frame]: ...

    def mark(self) -> bytes: ...


class SeveralFollower:
    """One client of several subjects. ``gone``: those of which there is nothing to follow, and why; each is told once,
    and the others go on."""

    def __init__(
        self,
        followers: Mapping[Subject, SubjectFollower],
        gone: Mapping[Subject, Refused],
        ids: IdSpace,
        stream: Callable[[], bytes],
        extra: Sequence[ExtraFrames] = (),
    ) -> None:
        """``stream``: seals what a client has, as of ``CustomerFollower``. ``extra``: what else is told of them."""
        self._followers = dict(followers)
        self._gone = dict(gone)
        self._ids = ids
        self._stream = stream
        self._extra = extra

    async def next_frames(self) -> list[Frame]:
        """Return what is new of the subjects, in turn."""
        found: list[Frame] = []
        for subject, refused in self._gone.items():
            data = {"reason": refused.reason, "detail": refused.detail}
            found.append(json_frame("gone", data).about(subject.encoded()))
        self._gone.clear()
        for subject, follower in list(self._followers.items()):
            found += await self._of(subject, follower)
            if sum(len(frame.data) for frame in found) > MOST_BYTES:
                self._followers[subject] = self._followers.pop(subject)  # the others come first next time
                break
        for each in self._extra:
            found += each.next_frames()
        if found:
            found[-1] = found[-1]._replace(id=self._id())
        return found

    async def _of(self, subject: Subject, follower: SubjectFollower) -> list[Frame]:
        """Return all that is new of one subject."""
        named = subject.encoded()
        found: list[Frame] = []
        refused = follower.subscription.gone
        try:
            while refused is None and (frames := await follower.next_frames()):
                found += [frame._replace(id="").about(named) for frame in frames]
                if sum(len(frame.data) for frame in found) > MOST_BYTES:
                    break
        except (TryLater, TooFast):
            if not found:
                raise
        except Refused as error:
            refused = error
        if refused is not None:
            del self._followers[subject]
            data = {"reason": refused.reason, "detail": refused.detail}
            found.append(json_frame("gone", data).about(named))
        return found

    def _id(self) -> str:
        marks = {subject.key: follower.mark() for subject, follower in self._followers.items()}
        return encode_marks(self._ids, self._stream(), {key: mark for key, mark in marks.items() if mark})


class ExtraFrames(Protocol):
    """Something else that is told of the subjects, such as who is present."""

    def next_frames(self) -> list[Frame]: ...
