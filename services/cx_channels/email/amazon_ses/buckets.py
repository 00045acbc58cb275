"""Read the settings by which the mails in S3 are listed. The README explains each."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cx_channels.kit.aws.objects import OWN, REGION, Bucket
from cx_channels.kit.aws.signing import AwsKey
from cx_channels.kit.catch_up_settings import CATCH_UP_SETTINGS, catch_up_settings
from cx_channels.kit.settings import address_setting, text_setting, wrong_setting
from cx_channels.provider import Connection

BUCKET_SETTINGS = frozenset({"buckets", "endpoint", *OWN, *CATCH_UP_SETTINGS})

_PLACE = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([\x20-\x7e]{0,500}))?")


@dataclass(frozen=True, slots=True)
class MailFolder:
    """Where a receipt rule puts mails. ``prefix``: of the rule, as SES has it."""

    bucket: Bucket
    prefix: str

    @property
    def name(self) -> str:
        return f"s3://{self.bucket.name}/{self.prefix}"


def has_buckets(connection: Connection) -> bool:
    """Return whether buckets are to be listed."""
    return bool(connection.settings.get("buckets"))


def mail_folders(connection: Connection) -> tuple[MailFolder, ...]:
    """Return where mails lie, each place once. Raise ``Fatal`` for settings that can't be meant."""
    catch_up_settings(connection)
    given = connection.settings.get("buckets")
    listed = given if isinstance(given, list | tuple) else [given]
    region = text_setting(connection, "media_region")
    if REGION.fullmatch(region) is None:
        raise wrong_setting(connection, "media_region", "a region of Amazon's, such as eu-west-1")
    key = AwsKey(text_setting(connection, "media_key_id"), text_setting(connection, "media_secret"))
    endpoint = address_setting(connection, "endpoint", "") if connection.settings.get("endpoint") else ""
    found: dict[str, MailFolder] = {}
    for each in listed:
        match = _PLACE.fullmatch(each) if isinstance(each, str) else None
        if match is None:
            raise wrong_setting(connection, "buckets", "a list of places like s3://acme-mail/in/")
        folder = MailFolder(Bucket(match[1], region, key, endpoint), match[2] or "")
        found[folder.name] = folder
    return tuple(found.values())
