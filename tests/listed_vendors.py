"""Vendors whose lists are asked after a gap, in this process: Twilio, Slack, Zendesk Support, S3 with mails of SES.

Each has things that came at some moment: ``say`` adds one and returns the webhook that the vendor would have sent.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from tests.http_vendor import Asked, Told, serving
from tests.listed_mails import SETTINGS as MAIL_SETTINGS
from tests.listed_mails import SesMails
from tests.listed_things import SECRET, ListedVendor, iso, moment

from cx_channels.chat import slack, twilio, zendesk
from cx_channels.provider import Request
from cx_channels.voice import twilio as calls

ACCOUNT = "AC00000000000000000000000000000001"
THEIRS, OURS = "+14155550123", "+14155550199"
TOKEN = "an API token"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class _Twilio(ListedVendor):
    secrets = (SECRET,)
    resource = ""

    def answer(self, asked: Asked) -> Told:
        given = base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode()
        if self.faults.refuse or given != f"SK1:{TOKEN}":
            return Told({"code": 20003, "message": "Authenticate", "status": 401}, 401)
        own = f"/2010-04-01/Accounts/{ACCOUNT}/"
        if asked.path.endswith("/Media.json"):
            sid = asked.path.split("/")[-2]
            uri = f"{own}Messages/{sid}/Media/ME1.json"
            return Told({"media_list": [{"uri": uri, "content_type": "image/png"}], "next_page_uri": None})
        assert asked.path == f"{own}{self.resource}.json", asked.path
        some, following = self.some(asked.query, list(reversed(self.things)))
        uri = f"{own}{self.resource}.json?at={following}&PageSize=2" if following else None
        return Told({self.resource.lower(): some, "next_page_uri": self.elsewhere or uri}, is_list=True)


class TwilioMessages(_Twilio):
    """Every third is a status of a message that went out, every fourth has a picture."""

    provider = twilio.PROVIDER
    resource = "Messages"

    def say(self, number: int, at: int) -> Request:
        sid, goes_out, picture = self._sid(number), number % 3 == 0, number % 4 == 0 and number % 3 != 0
        listed = {
            "sid": sid, "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": f"number {number}",
            "direction": "outbound-api" if goes_out else "inbound", "status": "delivered" if goes_out else "received",
            "from": OURS if goes_out else THEIRS, "to": THEIRS if goes_out else OURS, "num_media": str(int(picture)),
            "num_segments": "1", "date_sent": moment(at), "date_created": moment(at), "date_updated": moment(at),
            "error_code": None, "error_message": None, "messaging_service_sid": None, "price": None,
        }  # fmt: skip
        self.things.append(listed)
        fields = {"AccountSid": ACCOUNT, "MessageSid": sid, "SmsSid": sid, "From": listed["from"], "To": listed["to"]}
        if goes_out:
            fields |= {"MessageStatus": "delivered"}
        else:
            fields |= {"Body": listed["body"], "NumMedia": listed["num_media"], "SmsStatus": "received", "FromCity": ""}
        if picture:
            url = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}/Media/ME1"
            fields |= {"MediaUrl0": url, "MediaContentType0": "image/png"}
        return Request(urlencode(fields).encode(), headers={"content-type": FORM})

    def id_of(self, number: int) -> str:
        return self._sid(number) + ("/delivered" if number % 3 == 0 else "")

    def _sid(self, number: int) -> str:
        return f"SM{number:032}"


class TwilioCalls(_Twilio):
    """Calls that went out and are over, each told by its last callback."""

    provider = calls.PROVIDER
    resource = "Calls"

    def say(self, number: int, at: int) -> Request:
        sid = f"CA{number:032}"
        listed = {
            "sid": sid, "account_sid": ACCOUNT, "api_version": "2010-04-01", "direction": "outbound-api",
            "status": "completed", "from": OURS, "to": THEIRS, "parent_call_sid": None, "answered_by": None,
            "forwarded_from": None, "caller_name": "", "duration": "15", "start_time": moment(at - 15),
            "end_time": moment(at),
        }  # fmt: skip
        self.things.append(listed)
        fields = {
            "CallSid": sid, "AccountSid": ACCOUNT, "Direction": "outbound-api", "From": OURS, "To": THEIRS,
            "CallStatus": "completed", "CallDuration": "15", "Timestamp": moment(at), "SequenceNumber": "0",
            "CallbackSource": "call-progress-events",
        }  # fmt: skip
        return Request(urlencode(fields).encode(), headers={"content-type": FORM})

    def id_of(self, number: int) -> str:
        return f"CA{number:032}/status/completed/0"


class SlackLists(ListedVendor):
    """A channel of customers. Every third is a reply in the thread of the first."""

    provider = slack.PROVIDER
    secrets = (SECRET,)
    channel = "C0HELP"

    def say(self, number: int, at: int) -> Request:
        ts = self._ts(number, at)
        message: dict[str, Any] = {"type": "message", "user": "U0DANA", "text": f"number {number}", "ts": ts}
        message |= {"team": "T0ACME", "client_msg_id": f"{number}"}
        if number % 3 == 0 and self.things:
            parent = self.things[0]
            message["thread_ts"] = parent["ts"]
            parent |= {"thread_ts": parent["ts"], "reply_count": 1, "latest_reply": ts}
        self.things.append(message)
        return self.webhook({k: v for k, v in message.items() if k not in ("reply_count", "latest_reply")})

    def webhook(self, message: dict[str, Any]) -> Request:
        event = {**message, "channel": self.channel, "channel_type": "channel", "event_ts": message["ts"]}
        body = {
            "type": "event_callback", "team_id": "T0ACME", "event_id": f"Ev{message['ts']}", "event": event,
            "authorizations": [{"team_id": "T0ACME"}], "is_ext_shared_channel": False,
        }  # fmt: skip
        return Request(json.dumps(body).encode(), headers={"content-type": JSON})

    def id_of(self, number: int) -> str:
        ts = next(each["ts"] for each in self.things if each["text"] == f"number {number}")
        return f"{self.channel}/{ts}"

    def _ts(self, number: int, at: int) -> str:
        return f"{at}.{number:06}"

    def answer(self, asked: Asked) -> Told:
        if self.faults.refuse or asked.headers["authorization"] != f"Bearer {TOKEN}":
            return Told({"ok": False, "error": "token_expired"})
        method = asked.path.removeprefix("/")
        if method == "auth.test":
            return Told({"ok": True, "team_id": "T0ACME", "enterprise_id": None, "user_id": "U0APP"})
        if method == "users.conversations":
            channels = [{"id": self.channel, "is_channel": True}, {"id": "C0TALK", "is_channel": True}]
            return Told({"ok": True, "channels": channels})
        assert asked.query["channel"] == self.channel, "a channel without customers was read"
        begin, end = float(asked.query["oldest"]), float(asked.query["latest"])
        parent = asked.query.get("ts")
        if method == "conversations.replies":
            there = [each for each in self.things if each["ts"] == parent or each.get("thread_ts") == parent]
        else:
            is_parent = lambda each: each.get("thread_ts", each["ts"]) == each["ts"]  # noqa: E731
            there = [each for each in reversed(self.things) if is_parent(each)]
        inside = [each for each in there if begin <= float(each["ts"]) <= end or each["ts"] == parent]
        some, following = self.some({"at": asked.query.get("cursor", "")}, inside)
        return Told({"ok": True, "messages": some, "response_metadata": {"next_cursor": following}}, is_list=True)


class ZendeskLists(ListedVendor):
    """Comments of one ticket, every second by staff, every fifth a note."""

    provider = zendesk.PROVIDER
    secrets = (SECRET,)

    def say(self, number: int, at: int) -> Request:
        is_staff, is_public = number % 2 == 0, number % 5 != 0
        author, role, name = (9, "agent", "Ben") if is_staff else (7, "end-user", "Ana")
        self.things.append({
            "id": 500 + number, "author_id": author, "body": f"number {number}", "public": is_public,
            "created_at": iso(at), "attachments": [], "via": {"channel": "email"}, "audit_id": 9000 + number,
            "html_body": "<p>", "type": "Comment",
        })  # fmt: skip
        self.told[str(author)] = Request(json.dumps({"id": author, "role": role, "name": name}).encode())
        comment = {
            "id": str(500 + number), "body": f"number {number}", "is_public": is_public, "created_at": iso(at),
            "author": {"id": str(author), "is_staff": is_staff, "name": name}, "via": {"channel": "email"},
        }  # fmt: skip
        body = {
            "type": "zen:event-type:ticket.comment_added", "id": f"01HN{number}", "account_id": 12514403,
            "subject": "zen:ticket:141", "time": iso(at), "zendesk_event_version": "2022-11-06",
            "detail": {"id": "141", "requester_id": "7", "status": "open", "via": {"channel": "email"}},
            "event": {"comment": comment},
        }  # fmt: skip
        return Request(json.dumps(body).encode(), headers={"content-type": JSON})

    def id_of(self, number: int) -> str:
        return f"ticket/141/comment/{500 + number}"

    def answer(self, asked: Asked) -> Told:
        given = base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode()
        if self.faults.refuse or given != f"ops@acme.example/token:{TOKEN}":
            return Told({"error": "Couldn't authenticate you"}, 401)
        if asked.path == "/api/v2/incremental/tickets/cursor.json":
            ticket = {
                "id": 141, "requester_id": 7, "subject": "Charged", "status": "open", "via": {"channel": "email"},
                "created_at": "2020-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
            }  # fmt: skip
            if self.endless:
                return Told({"tickets": [ticket], "end_of_stream": False, "after_cursor": "one"})
            return Told({"tickets": [ticket] if self.things else [], "end_of_stream": True, "after_cursor": "x"})
        assert asked.path == "/api/v2/tickets/141/comments.json", asked.path
        query = {"at": asked.query.get("page[after]", "")}
        some, following = self.some(query, sorted(self.things, key=lambda each: -each["id"]))
        users = [json.loads(each.body) for each in self.told.values()]
        meta = {"has_more": bool(following), "after_cursor": following or None}
        return Told({"comments": some, "users": users, "meta": meta}, is_list=True)


VENDORS = {
    "messages": TwilioMessages, "calls": TwilioCalls, "slack": SlackLists, "zendesk": ZendeskLists, "mails": SesMails,
}  # fmt: skip


@asynccontextmanager
async def listed_by(name: str) -> AsyncIterator[ListedVendor]:
    """A vendor that is served until the block ends."""
    vendor: ListedVendor = VENDORS[name]()
    async with serving(vendor) as port:
        url = f"http://127.0.0.1:{port}"
        if isinstance(vendor, _Twilio):
            vendor.settings = {"api_account": ACCOUNT, "api_key": "SK1", "api_secret": TOKEN, "api_url": url}
            vendor.settings |= {"numbers": [OURS]} if name == "calls" else {}
        elif name == "mails":
            vendor.settings = {**MAIL_SETTINGS, "endpoint": url}
        elif name == "slack":
            vendor.settings = {"channels": ["C0HELP"], "api_token": TOKEN, "api_url": url}
        else:
            vendor.settings = {"webhooks": "support", "api_url": url, "account": "12514403"}
            vendor.settings |= {"api_user": "ops@acme.example", "api_token": TOKEN}
        yield vendor
