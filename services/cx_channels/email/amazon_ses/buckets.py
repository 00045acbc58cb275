"""Read the settings by which the mails in S3 are listed. The README explains each."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cx_channels.kit.aws.identity import AwsLogin
from cx_channels.kit.aws.objects import OF_A_BUCKET, Bucket, bucket_login
from cx_channels.kit.catch_up_settings import CATCH_UP_SETTINGS, catch_up_settings
from cx_channels.kit.settings import address_setting, wrong_setting
from cx_channels.provider import Connection

BUCKET_SETTINGS = frozenset({"buckets", "endpoint", *OF_A_BUCKET, *CATCH_UP_SETTINGS})

_PLACE = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([\x20-\x7e]{0,500}))?")


@dataclass(frozen=True, slots=True)
class MailFolder:
    """A bucket into which a receipt rule puts mails. ``prefix``: of the rule, as SES has it."""

    bucket: Bucket
    prefix: str
    login: AwsLogin

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
    endpoint = address_setting(connection, "endpoint", "") if connection.settings.get("endpoint") else ""
    login = bucket_login(connection, endpoint)
    found: dict[str, MailFolder] = {}
    for each in listed:
        match = _PLACE.fullmatch(each) if isinstance(each, str) else None
        if match is None:
            raise wrong_setting(connection, "buckets", "a list of places like s3://acme-mail/in/")
        folder = MailFolder(Bucket(match[1], login.region, endpoint), match[2] or "", login)
        found[folder.name] = folder
    return tuple(found.values())
