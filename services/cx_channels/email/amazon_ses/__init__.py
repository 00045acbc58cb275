"""Amazon SES: mail that it received for us, and what became of mail that it sent for us, through SNS. See README.md.

Modules: ``notice`` (one message of the topic), ``mapping`` (the kinds), ``inbound`` (a received mail), ``sent`` (what
became of a sent one), ``media`` (how a mail in S3 is fetched); ``listing`` (what was missed), ``buckets`` (where it
lies) and ``rebuilt`` (the notice of a listed mail).
"""

from __future__ import annotations

from cx_channels.email.amazon_ses.buckets import BUCKET_SETTINGS, has_buckets, mail_folders
from cx_channels.email.amazon_ses.mapping import DOCUMENTED, kinds_of, map_request
from cx_channels.email.amazon_ses.media import MEDIA
from cx_channels.kit.aws import sns
from cx_channels.kit.mail.settings import SETTING_NAMES
from cx_channels.provider import Connection, Provider


def _warnings(connection: Connection) -> tuple[str, ...]:
    """Return what a connection lacks. ``Fatal`` for settings that can't be meant."""
    if has_buckets(connection):
        mail_folders(connection)
    unread = sns.unreadable_topics(connection)
    return tuple(f"settings.topics: {topic[:200]!r} is no ARN of an SNS topic" for topic in unread)


PROVIDER = Provider(
    name="email/amazon-ses",
    channel="email",
    map=map_request,
    verify=sns.verify,
    sign=sns.sign,
    signature=sns.SIGNATURE,
    keys=sns.KEYS,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    max_bytes=sns.MAX_BYTES,
    isolated=True,
    required={"topics": "the ARNs of the topics that post here; anybody's topic is signed by Amazon"},
    warnings=_warnings,
    asks=has_buckets,
    weights={
        "email": {
            "proved": "SES found DMARC satisfied for the one address in From (dmarcVerdict PASS)",
            "claimed": "anybody can write any From; SPF and DKIM alone say nothing of it",
        }
    },
    media=MEDIA,
    settings=(SETTING_NAMES - {"authserv_ids", "mx", "relays"}) | sns.SETTINGS | MEDIA.settings | BUCKET_SETTINGS,
)
