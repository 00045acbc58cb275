"""Read the settings: flag over environment over default. The only module that reads the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cx_runtime.addresses import Addresses
from cx_runtime.outbound.reach import Reach
from cx_runtime.rates import Rate


class Settings(BaseSettings):
    """All settings; each is read from the environment variable ``CX_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="CX_", extra="ignore")

    home: Path = Field(default=Path(".cx"), description="folder of the embedded files and of secrets made on first use")
    log_url: str = Field(
        default="", description="sqlite:///PATH or kafka://[USER:PASSWORD@]HOST:PORT[,HOST:PORT][?tls=on...]"
    )
    store_url: str = Field(default="", description="sqlite+aiosqlite:///PATH or postgresql+asyncpg://...")
    blob_url: str = Field(default="", description="file:///... or postgresql+asyncpg://...")
    config: Path | None = Field(default=None, description="YAML with tenants, connections, keys and rules")
    url: str = Field(default="http://127.0.0.1:8080", description="where the CLI finds the hub")
    key: str = Field(default="", description="the key that the CLI presents")
    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=8080, ge=0, le=65535, description="HTTP port; 0 picks a free one")
    smtp_port: int = Field(default=2525, ge=0, le=65535, description="SMTP port; 0 picks a free one")
    smtp_tls_cert: Path | None = Field(
        default=None,
        description="PEM file with the mail server's certificate and its chain; with it, STARTTLS is offered",
    )
    smtp_tls_key: Path | None = Field(default=None, description="PEM file with the private key of that certificate")
    smtp_require_tls: bool = Field(default=False, description="take no mail before STARTTLS")
    metrics_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="port for /metrics, which is then not on the HTTP port; 0 picks a free one",
    )
    metrics_key: str = Field(
        default="",
        description="bearer key for /metrics; without it and a port of its own, one made in CX_HOME/metrics-key",
    )
    min_free_bytes: int = Field(
        default=64 << 20, ge=0, description="bytes that must be free where embedded files lie, or /readyz fails"
    )
    public_url: str = Field(
        default="",
        description="how providers reach this hub, as `https://hub.example.com`; connections whose provider signs the"
        " URL answer 503 without it",
    )
    partitions: int = Field(default=8, ge=1, le=1024, description="partitions of a topic that is created")
    topics: Path | None = Field(
        default=None,
        description="folder with declarations of topics as in schemas/topics; of those left out, the product's",
    )
    topic_prefix: str = Field(
        default="", description="put before the topics' names, where one Kafka serves several hubs"
    )
    archive: Path | None = Field(
        default=None,
        description="folder of `cx export log`: what the log no longer holds is read from there",
    )
    workers: int = Field(default=1, ge=1, le=64, description="projector workers in this process")
    max_body: int = Field(default=1 << 20, ge=1024, description="largest request body in bytes, mail apart")
    max_mail: int = Field(default=30 << 20, ge=1024, description="largest mail in bytes")
    max_requests: int = Field(default=500, ge=1, description="HTTP requests under way at once; more are told 503")
    max_bytes_in_flight: int = Field(
        default=16 << 20, ge=1024, description="bytes of request bodies under way at once; more are told 503"
    )
    max_connections: int = Field(
        default=10_000, ge=1, description="HTTP connections and chats open at once; more are told 503"
    )
    max_streams: int = Field(
        default=5_000, ge=1, description="event streams open at once, beside the requests; more are told 503"
    )
    stream_heartbeat: float = Field(
        default=15.0,
        gt=0,
        description="seconds after which a stream says that it lives, and looks again at all that it follows",
    )
    session_hours: float = Field(
        default=12.0, gt=0, le=720, description="how long somebody who signed in to the pages stays so"
    )
    environment: str = Field(
        default="", max_length=40, description="what this hub is, for people: `production`, `test`; the pages show it"
    )
    environment_color: str = Field(
        default="", pattern=r"^(#[0-9a-fA-F]{6})?$", description="the colour of that on the pages, as `#b3261e`"
    )
    max_reads: int = Field(
        default=2,
        ge=1,
        le=64,
        description="heavy reads worked out at once: of the past, lineages, diffs, vCons, trials",
    )
    max_smtp_sessions: int = Field(default=100, ge=1, description="SMTP sessions at once; more are told 421")
    trusted_proxies: str = Field(
        default="",
        description="addresses or networks, by commas, of proxies whose `X-Forwarded-For` is believed",
    )
    outbound_networks: str = Field(
        default="",
        description="addresses or networks, by commas, that the hub may send to although they are private;"
        " `http://` goes nowhere else",
    )
    aws_tenants: str = Field(
        default="",
        description="tenants, by commas, whose connections may log in at AWS by this hub's own identity; `*` for all",
    )
    max_mail_in_flight: int = Field(
        default=128 << 20, ge=1024, description="bytes of mails under way at once; more are told 452"
    )
    key_rate: str = Field(
        default="100000/s",
        description="events or requests of a key that says no `rate`, per process: `200/s`, `600/m` or `unlimited`",
    )
    connection_rate: str = Field(
        default="20000/s", description="webhooks, mails or messages of a connection that says no `rate`, per process"
    )
    drain_seconds: float = Field(
        default=20.0, ge=0, description="how long what is under way may take to end once the process is told to stop"
    )
    linger_seconds: float = Field(
        default=0.0,
        ge=0,
        description="how long new connections are still taken then, for whoever has not seen /readyz fail yet",
    )
    batch_events: int = Field(
        default=4_000, ge=1, le=10_000, description="events that a projector applies in one transaction"
    )
    lease_seconds: float = Field(
        default=5.0, gt=0, description="how long a projector owns a partition without renewing"
    )
    log_level: str = Field(default="info", description="debug, info, warning or error")
    log_format: str = Field(default="text", description="text or json, on stderr")
    traces: Literal["off", "otlp"] = Field(
        default="off",
        description="`otlp` sends traces by OTLP over HTTP; where to and which, say the variables `OTEL_...`",
    )

    @field_validator("public_url")
    @classmethod
    def _an_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("expected http:// or https:// and a host, perhaps a path, and nothing after that")
        return value.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        Addresses(_listed(value))
        return value

    @field_validator("outbound_networks")
    @classmethod
    def _reachable(cls, value: str) -> str:
        Reach.parse(value)
        return value

    @field_validator("key_rate", "connection_rate")
    @classmethod
    def _a_rate(cls, value: str) -> str:
        Rate.parse(value)
        return value

    def proxies(self) -> list[str]:
        return _listed(self.trusted_proxies)

    def tenants_at_aws(self) -> frozenset[str]:
        return frozenset(_listed(self.aws_tenants))

    def resolved_log_url(self) -> str:
        return self.log_url or f"sqlite:///{self.home.absolute() / 'log.db'}"

    def resolved_store_url(self) -> str:
        return self.store_url or f"sqlite+aiosqlite:///{self.home.absolute() / 'store.db'}"

    def resolved_blob_url(self) -> str:
        return self.blob_url or f"file://{self.home.absolute() / 'blobs'}"


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def environment() -> Mapping[str, str]:
    """The environment itself, for the ``${NAME}`` of a configuration file."""
    return os.environ
