"""A bucket of S3 in this process, into which SES puts mails: it takes signed requests alone, as botocore has them."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from typing import Any
from xml.sax.saxutils import escape

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.http_vendor import Asked, Told
from tests.listed_things import SECRET, ListedVendor, iso, moment

from cx_channels.email import amazon_ses
from cx_channels.provider import Request

TOPIC = "arn:aws:sns:eu-west-1:123456789012:ses-in"
KEY_ID, AWS_SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SETTINGS: dict[str, Any] = {
    "topics": [TOPIC], "addresses": ["support@acme.example"], "buckets": ["s3://acme-mail/in/"],
    "media_region": "eu-west-1", "media_key_id": KEY_ID, "media_secret": AWS_SECRET,
}  # fmt: skip
OTHERS = ("in/", "in/AMAZON_SES_SETUP_NOTIFICATION", "in/archive/o3vrnil0e2ic28tr000000000000000000000c01")
"""What lies in the bucket and is no mail of that folder."""


class SesMails(ListedVendor):
    """Mails below ``in/``, by their keys, every third an answer to the first. ``classes``: of storage, by key."""

    provider = amazon_ses.PROVIDER
    secrets = (SECRET,)

    def __init__(self) -> None:
        super().__init__()
        self.mails: dict[str, bytes] = {}
        self.classes: dict[str, str] = {}

    def say(self, number: int, at: int) -> Request:
        id = self.mail_id(number)
        fields = [
            ("Return-Path", "<ana@example.com>"),
            (
                "Received",
                "from mail.example.com (mail.example.com [192.0.2.7]) by inbound-smtp.eu-west-1.amazonaws.com with SMTP"
                f" id {id} for support@acme.example; {moment(at)}",
            ),
            ("From", "Ana Lima <ana@example.com>"), ("To", "support@acme.example"), ("Date", moment(at)),
            ("Message-ID", f"<m-{number}@example.com>"), ("Subject", f"=?utf-8?q?number_{number}_=E2=82=AC?="),
            *([("In-Reply-To", "<m-1@example.com>")] if number % 3 == 0 else []),
            ("Content-Type", "text/plain; charset=utf-8"),
        ]  # fmt: skip
        written = "".join(f"{name}: {value}\r\n" for name, value in fields)
        self.put(f"in/{id}", at, f"{written}\r\nnumber {number}\r\n".encode())
        notice = {
            "notificationType": "Received",
            "mail": {
                "timestamp": iso(at), "source": "ana@example.com", "messageId": id,
                "destination": ["support@acme.example"], "headersTruncated": False,
                "headers": [{"name": name, "value": value} for name, value in fields],
            },
            "receipt": {
                "timestamp": iso(at), "recipients": ["support@acme.example"], "spamVerdict": {"status": "PASS"},
                "virusVerdict": {"status": "PASS"}, "dmarcVerdict": {"status": "PASS"},
                "action": {
                    "type": "S3", "topicArn": TOPIC, "bucketName": "acme-mail", "objectKeyPrefix": "in/",
                    "objectKey": f"in/{id}",
                },
            },
        }  # fmt: skip
        posted = {"Type": "Notification", "MessageId": f"n-{number}", "TopicArn": TOPIC, "Message": json.dumps(notice)}
        return Request(json.dumps(posted).encode(), headers={"content-type": "text/plain; charset=UTF-8"})

    def put(self, key: str, at: int, content: bytes) -> None:
        self.things.append({"key": key, "at": at})
        self.mails[key] = content

    def in_full(self, webhook: Request, verdict: str = "PASS", encoding: str = "BASE64") -> Request:
        """The notice of the same rule's action SNS, which holds the mail."""
        posted = json.loads(webhook.body)
        notice = json.loads(posted["Message"])
        mail = self.mails[f"in/{notice['mail']['messageId']}"]
        notice["content"] = b64encode(mail).decode() if encoding == "BASE64" else mail.decode("utf-8", "replace")
        notice["receipt"] |= {
            "dmarcVerdict": {"status": verdict}, "action": {"type": "SNS", "topicArn": TOPIC, "encoding": encoding},
        }  # fmt: skip
        return replace(webhook, body=json.dumps({**posted, "Message": json.dumps(notice)}).encode())

    def mail_id(self, number: int) -> str:
        return sha256(str(number).encode()).hexdigest()[:40]

    def id_of(self, number: int) -> str:
        return f"ses/{self.mail_id(number)}/received"

    def read(self) -> list[str]:
        """The keys of the mails that were read."""
        return [each.path.removeprefix("/acme-mail/") for each in self.got if not each.query]

    def answer(self, asked: Asked) -> Told:
        if self.faults.refuse or not _is_signed(asked):
            return _refusal("SignatureDoesNotMatch", 403)
        assert asked.method == "GET" and asked.path.startswith("/acme-mail/"), asked
        key = asked.path.removeprefix("/acme-mail/")
        if key:
            assert asked.headers["range"].startswith("bytes=0-"), asked
            if self.classes.get(key) == "GLACIER":
                return _refusal("InvalidObjectState", 403)
            return Told(self.mails[key], 206) if self.mails.get(key) else _refusal("NoSuchKey", 404)
        assert asked.query["list-type"] == "2" and asked.query["prefix"] == "in/"
        return self._list(asked.query.get("continuation-token", ""))

    def _list(self, token: str) -> Told:
        there = sorted([*self.things, *({"key": key, "at": 1_600_000_000} for key in OTHERS)], key=lambda it: it["key"])
        some, following = self.some({"at": token}, there)
        told = "".join(
            f"<Contents><Key>{escape(each['key'])}</Key><LastModified>{iso(each['at'])}</LastModified>"
            f"<ETag>&quot;0&quot;</ETag><Size>{each.get('size', len(self.mails.get(each['key'], b'')))}</Size>"
            f"<StorageClass>{self.classes.get(each['key'], 'STANDARD')}</StorageClass></Contents>"
            for each in some
        )
        more = f"<NextContinuationToken>{following}</NextContinuationToken>" if following else ""
        listed = f"<IsTruncated>{'true' if following else 'false'}</IsTruncated>{told}{more}"
        xml = f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{listed}</ListBucketResult>'
        return Told(xml.encode(), is_list=True)


def _is_signed(asked: Asked) -> bool:
    names = asked.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    kept = {name: asked.headers[name] for name in names}
    request = AWSRequest("GET", f"http://{asked.headers['host']}{asked.path}", headers=kept, params=asked.query)
    request.context["timestamp"] = asked.headers["x-amz-date"]
    auth = S3SigV4Auth(Credentials(KEY_ID, AWS_SECRET), "s3", "eu-west-1")
    told = auth.string_to_sign(request, auth.canonical_request(request))
    return asked.headers["authorization"].endswith(f"Signature={auth.signature(told, request)}")


def _refusal(code: str, status: int) -> Told:
    return Told(f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>Because.</Message></Error>".encode(), status)
