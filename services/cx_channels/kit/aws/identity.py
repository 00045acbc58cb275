"""Describe who logs in at AWS. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cx_channels.kit.aws.signing import AwsKey


@dataclass(frozen=True, slots=True)
class AwsLogin:
    """The login of a connection. ``key``: of the connection, None where the hub's own identity stands in its place.

    ``role``: that is assumed then, empty without; ``external_id``: what its trust policy may ask for. ``region``: whose
    STS is asked.
    """

    tenant: str
    connection: str
    region: str
    key: AwsKey | None
    role: str = ""
    external_id: str = ""
