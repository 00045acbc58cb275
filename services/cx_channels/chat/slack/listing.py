"""List what was written in the app's channels, as the events that told of it.

docs.slack.dev/reference/methods: auth.test, users.conversations, conversations.history, conversations.replies. A list
has messages as they are now: with their last edit, without what was deleted; reactions stand there without their time.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

from cx_channels.catch_up.listing import Listed, Page, Span
from cx_channels.chat.slack.api_settings import slack_api
from cx_channels.chat.slack.notice import time_of
from cx_channels.kit.authorization import bearer_header
from cx_channels.kit.json_values import obj, objects, text
from cx_channels.kit.listed import Get, listed_json
from cx_channels.kit.settings import lists
from cx_channels.provider import Connection
from cx_events.errors import Refused, TryLater
from cx_events.json_types import Json
from cx_events.timestamps import Micros

THREADS = 86_400_000_000
"""µs before the span in which threads are looked for that have got replies since."""

_TYPES = "public_channel,private_channel,mpim,im"
_PAGE = "200"
_OF_LISTS = frozenset({
    "reply_count", "reply_users", "reply_users_count", "latest_reply", "replies", "subscribed", "last_read",
    "is_locked", "unread_count", "reactions", "pinned_to", "pinned_info", "is_starred", "edited",
})  # fmt: skip
"""Of a listed message: what the event of its coming did not have."""
_LOGIN = frozenset({
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
    "access_denied", "no_permission", "org_login_required", "ekm_access_denied", "not_allowed_token_type",
    "team_access_not_granted",
})  # fmt: skip
_GONE = frozenset({
    "channel_not_found", "not_in_channel", "is_archived", "thread_not_found", "method_not_supported_for_channel_type",
    "missing_channel",
})  # fmt: skip


def open_listing(connection: Connection, get: Get) -> Channels:
    """Return the lists of a connection. Raise ``Fatal`` for settings that can't be meant."""
    return Channels(connection, get)


class Channels:
    """The channels in which customers may write, each a list, the newest message first. Slack tries again at once,
    after a minute and after five."""

    settle = 600.0
    overlap = 600.0

    def __init__(self, connection: Connection, get: Get) -> None:
        self._connection = connection
        self._api = slack_api(connection)
        self._get = get
        self._team: Json = {}
        self._channels: dict[str, Json] = {}

    async def names(self) -> AsyncGenerator[str, None]:
        self._team = await self._ask("auth.test", {})
        query = {"types": _TYPES, "exclude_archived": "true", "limit": _PAGE}
        async for answer in self._pages("users.conversations", query):
            for channel in objects(answer.get("channels")):
                id = text(channel.get("id"))
                if id and self._may_have_customers(id, channel):
                    self._channels[id] = channel
                    yield id

    async def pages(self, name: str, span: Span) -> AsyncGenerator[Page, None]:
        query = {"channel": name, "limit": _PAGE, "inclusive": "true"}
        query |= {"oldest": _ts(span.since - THREADS), "latest": _ts(span.until)}
        async for answer in self._pages("conversations.history", query):
            messages = objects(answer.get("messages"))
            yield self._page(name, messages, span)
            for each in messages:
                if text(each.get("ts")) and (time_of(text(each.get("latest_reply"))) or 0) >= span.since:
                    async for page in self._replies(name, text(each["ts"]), span):
                        yield page

    async def _replies(self, channel: str, ts: str, span: Span) -> AsyncGenerator[Page, None]:
        query = {"channel": channel, "ts": ts, "limit": _PAGE, "inclusive": "true"}
        query |= {"oldest": _ts(span.since), "latest": _ts(span.until)}
        async for answer in self._pages("conversations.replies", query):
            replies = [each for each in objects(answer.get("messages")) if each.get("ts") != ts]
            yield self._page(channel, replies, span)

    def _page(self, channel: str, messages: list[Json], span: Span) -> Page:
        inside = [each for each in messages if span.since <= (time_of(text(each.get("ts"))) or 0) <= span.until]
        edited = [each for each in messages if span.since <= _edited(each) <= span.until]
        made = [self._envelope(written(each, self._of(channel))) for each in reversed(inside)]
        made += [self._envelope(changed(each, self._of(channel))) for each in edited]
        return tuple(Listed(listed_json(each)) for each in made)

    def _of(self, channel: str) -> Json:
        """Return what an event says of its channel."""
        its = self._channels.get(channel, {})
        kind = "im" if its.get("is_im") else "mpim" if its.get("is_mpim") else "group" if its.get("is_private") else ""
        return {"channel": channel, "channel_type": kind or "channel"}

    def _envelope(self, event: Json) -> Json:
        team, enterprise = text(self._team.get("team_id")), text(self._team.get("enterprise_id"))
        its = self._channels.get(text(event.get("channel")), {})
        return {
            "type": "event_callback", "team_id": team, **({"enterprise_id": enterprise} if enterprise else {}),
            "authorizations": [{"team_id": team}], "is_ext_shared_channel": its.get("is_ext_shared") is True,
            "event": event,
        }  # fmt: skip

    def _may_have_customers(self, id: str, channel: Json) -> bool:
        """Return whether the settings make a customer of anybody there: other channels are not read."""
        if lists(self._connection, "channels", id) or self._connection.settings.get("customers"):
            return True
        is_open = channel.get("is_ext_shared") is True or channel.get("is_im") is True or channel.get("is_mpim") is True
        return is_open and bool(self._connection.settings.get("teams"))

    async def _pages(self, method: str, query: Mapping[str, str]) -> AsyncGenerator[Json, None]:
        cursor, seen = "", set[str]()
        while True:
            answer = await self._ask(method, {**query, **({"cursor": cursor} if cursor else {})})
            yield answer
            cursor = text(obj(answer.get("response_metadata")).get("next_cursor"))
            if not cursor:
                return
            if cursor in seen:
                raise TryLater("vendor", f"Slack's list does not go on: {method} names a page for the second time")
            seen.add(cursor)

    async def _ask(self, method: str, query: Mapping[str, str]) -> Json:
        """Return an answer; an empty one for a channel that the app has left meanwhile."""
        headers = bearer_header(self._api.token)
        answer = obj(await self._get(f"{self._api.url}/{method}", query=query, headers=headers))
        error = text(answer.get("error"))
        if answer.get("ok") is True:
            return answer
        if error in _GONE:
            return {}
        if error in _LOGIN:
            needed = text(answer.get("needed"))
            raise Refused("login-refused", f"{method}: {error}" + (f": the scope {needed} is needed" if needed else ""))
        raise TryLater("vendor", f"{method}: {error or 'no answer of Slack'}", 10)


def written(message: Json, channel: Json) -> Json:
    """Return the event of a message's coming."""
    kept = {name: value for name, value in message.items() if name not in _OF_LISTS}
    return {"type": "message", **kept, **channel, "event_ts": text(message.get("ts"))}


def changed(message: Json, channel: Json) -> Json:
    """Return the event of a message's last edit."""
    at = text(obj(message.get("edited")).get("ts"))
    kept = {name: value for name, value in message.items() if name == "edited" or name not in _OF_LISTS}
    return {"type": "message", "subtype": "message_changed", "message": kept, **channel, "ts": at, "event_ts": at}


def _edited(message: Json) -> Micros:
    return time_of(text(obj(message.get("edited")).get("ts"))) or 0


def _ts(at: Micros) -> str:
    return f"{max(at, 0) // 1_000_000}.{max(at, 0) % 1_000_000:06}"
