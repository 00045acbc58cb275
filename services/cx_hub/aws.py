"""Make the keys of AWS of a process: its environment says who it is there, its settings whose connections may be it."""

from __future__ import annotations

from cx_channels.aws_login.keys import AwsKeys
from cx_runtime.settings import Settings, environment


def aws_keys(settings: Settings) -> AwsKeys:
    """Return the keys of AWS of this process."""
    return AwsKeys(environment(), settings.tenants_at_aws())
