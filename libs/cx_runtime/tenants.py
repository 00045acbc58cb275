"""Read the tenants: their connections, keys and rules, as the YAML of ``CX_CONFIG`` says or as made on first use.

``load(settings, environ)`` reads and checks the file; every mistake is a ``Fatal`` that names its place. Secrets may be
written ``${NAME}`` and are read from the environment that is passed in.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from cx_events.directory import Directory
from cx_events.directory_facts import ConfiguredDirectory
from cx_events.email_addresses import LocalDomains
from cx_events.errors import Fatal
from cx_events.ids import IdSpace
from cx_events.junk import Junk
from cx_events.private_files import make_folder, tighten
from cx_events.timestamps import Micros
from cx_runtime.configuration_errors import Mistakes, mistakes_of
from cx_runtime.configuration_variables import Steps, expand, written
from cx_runtime.correlation_config import CorrelationConfig
from cx_runtime.directory_config import AgentConfig, QueueConfig, directory_of
from cx_runtime.durations import seconds_of
from cx_runtime.page_origins import check_origin
from cx_runtime.rates import Rate
from cx_runtime.subscription_config import SubscriptionConfig
from cx_runtime.tenant_secrets import secret_mistakes

Scope = Literal[
    "events:write",
    "context:read",
    "conversations:write",
    "identity:assert",
    "identity:prove",
    "identity:write",
    "directory:write",
    "ops",
    "*",
]
RequiredAssurance = Literal["proved", "asserted"]
_READS_ALL = frozenset({"*", "ops", "identity:write"})
"""Scopes whose answers show customers of whom no contact is at hand."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Limited(_Strict):
    """Limits on sending, per process: ``rate`` like ``200/s`` or ``unlimited``; ``burst``: how many at once."""

    rate: str = ""
    burst: int | None = Field(default=None, ge=1)

    @field_validator("rate")
    @classmethod
    def _a_rate(cls, value: str) -> str:
        if value:
            Rate.parse(value)
        return value

    def rate_or(self, default: Rate | None) -> Rate | None:
        """None: no limit."""
        if self.rate:
            return Rate.parse(self.rate, self.burst)
        return default._replace(burst=self.burst) if default is not None and self.burst is not None else default


class KeyConfig(_Limited):
    """A bearer key. ``id`` is what logs may show. Its rate is of events that it sends and of requests for contexts.

    ``required_assurance``: the key reads contexts by a contact alone, and none of a contact that is less assured: for
    bots and AI agents, which would tell a stranger what they read. ``agent``: of the configuration; who signs in to the
    pages with this key is this one.
    """

    id: str
    secret: str = Field(min_length=8)
    scopes: frozenset[Scope]
    required_assurance: RequiredAssurance | None = None
    agent: str = ""

    @field_validator("required_assurance")
    @classmethod
    def _reads_by_contact(cls, value: RequiredAssurance | None, info: ValidationInfo) -> RequiredAssurance | None:
        wide = sorted(_READS_ALL & info.data.get("scopes", frozenset()))
        if value is not None and wide:
            raise ValueError(
                f"a key with required_assurance can't have the scope {wide[0]!r}, which reads all customers"
            )
        return value

    def allows(self, scope: Scope) -> bool:
        return scope in self.scopes or "*" in self.scopes


class ConnectionConfig(_Limited):
    """A channel account. ``settings`` are the provider's own. Its rate is of webhooks, mails and chat messages."""

    provider: str
    secrets: tuple[str, ...] = ()
    region: str | None = None
    settings: dict[str, Any] = {}


class IdentityConfig(_Strict):
    """Rules of identity; see ``cx_identity.rules`` for what they mean."""

    shared_after: dict[str, int] = {"phone": 1, "email": 2, "cookie": 2}
    exclusive: tuple[str, ...] = ("crm",)
    never_link: tuple[str, ...] = ()
    junk: tuple[str, ...] = ()
    proof_lifetime: dict[str, str | int] = {}


class MailConfig(_Strict):
    """``local_domains``: mail domains and hosts of the tenant's own network, usable as identifiers with all below them
    (``local``, ``mailhost``). Elsewhere nobody can tell whose such an address is, so others are unusable."""

    local_domains: tuple[str, ...] = ()

    @field_validator("local_domains")
    @classmethod
    def _domains(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        LocalDomains(value)
        return value


class ThreadingConfig(_Strict):
    """``window``: how long after a conversation's last activity a new contact may continue it, in seconds."""

    window: int = 72 * 3600

    @property
    def window_micros(self) -> Micros:
        """The window in µs, as threading counts."""
        return self.window * 1_000_000

    @field_validator("window", mode="before")
    @classmethod
    def _duration(cls, value: object) -> object:
        return seconds_of(value)


class TenantConfig(_Strict):
    id_key: str = Field(min_length=16)
    keys: tuple[KeyConfig, ...] = ()
    connections: dict[str, ConnectionConfig] = {}
    identity: IdentityConfig = IdentityConfig()
    mail: MailConfig = MailConfig()
    threading: ThreadingConfig = ThreadingConfig()
    correlations: dict[str, CorrelationConfig] = {}
    subscriptions: dict[str, SubscriptionConfig] = {}
    agents: dict[str, AgentConfig] = {}
    queues: dict[str, QueueConfig] = {}
    cors_origins: tuple[str, ...] = ()
    """Origins of pages that may use the API with this tenant's keys: see ``cx_runtime.cors``."""
    frame_ancestors: tuple[str, ...] = ()
    """Origins of pages that may show the hub's pages in a frame, to who is signed in to this tenant."""

    @property
    def answer_bounds(self) -> Mapping[str, int]:
        """Return the seconds within which customers are to be answered, by queue, where that is configured."""
        return {id: its.answer_within for id, its in self.queues.items() if its.answer_within is not None}

    @field_validator("cors_origins", "frame_ancestors")
    @classmethod
    def _exact(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(check_origin, value))

    @field_validator("subscriptions", "correlations")
    @classmethod
    def _named(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if _NAME.fullmatch(name) is None:
                raise ValueError(f"{name[:64]!r} is no name: 1 to 63 of a-z, 0-9, '.', '_', '-'")
        return value


class Tenants:
    """All tenants, and who a key or a connection belongs to.

    Raises ``Fatal``, naming the place, for agents and queues that can't be meant.
    """

    def __init__(self, tenants: Mapping[str, TenantConfig]) -> None:
        self.by_name = dict(tenants)
        self._junk = {name: Junk(config.identity.junk, config.mail.local_domains) for name, config in tenants.items()}
        self.directories = {name: directory_of(name, config) for name, config in tenants.items()}
        for name, config in tenants.items():
            _check_agents_of_keys(name, config, self.directories[name])
        self._ids = {name: IdSpace(name, config.id_key.encode()) for name, config in tenants.items()}
        self._keys = [(key.secret.encode(), (name, key)) for name, config in tenants.items() for key in config.keys]
        self._connections = {
            connection: (name, config.connections[connection])
            for name, config in tenants.items()
            for connection in config.connections
        }

    def ids(self, tenant: str) -> IdSpace:
        """Raises KeyError for a tenant that is not configured."""
        return self._ids[tenant]

    def junk(self, tenant: str) -> Junk:
        """Return the values that identify nobody for this tenant. Raises KeyError for an unknown tenant."""
        return self._junk[tenant]

    @property
    def configured_directories(self) -> dict[str, ConfiguredDirectory]:
        """Return what the configuration says of agents and queues, by tenant."""
        return {
            name: ConfiguredDirectory(
                self._ids[name], self.directories[name], {id: its.provider for id, its in config.connections.items()}
            )
            for name, config in self.by_name.items()
        }

    def connection(self, connection: str) -> tuple[str, ConnectionConfig] | None:
        """The tenant and the configuration of a connection."""
        return self._connections.get(connection)

    def authenticate(self, secret: str) -> tuple[str, KeyConfig] | None:
        """Return the key and tenant of a secret. Compares with every key in constant time, so that timing tells
        nothing."""
        given = secret.encode()
        found = None
        for known, owner in self._keys:
            if hmac.compare_digest(known, given):
                found = owner
        return found


def _check_agents_of_keys(tenant: str, config: TenantConfig, directory: Directory) -> None:
    for number, key in enumerate(config.keys):
        if key.agent and ("agent", key.agent) not in directory.entries:
            mistake = f"tenants.{tenant}.keys[{number}].agent: there is no agent {key.agent!r} below agents"
            raise Mistakes([mistake])


def load(config: Path | None, home: Path, environ: Mapping[str, str]) -> Tenants:
    """The tenants of a file, or without one ``acme`` with a key of all scopes in ``HOME/key``, made on first use.

    Raises ``Mistakes`` with all that is wrong; ``Fatal`` for a file that can't be read.
    """
    found = read_configuration(config, home, environ)
    if found.mistakes:
        raise Mistakes(found.mistakes)
    return Tenants(found.tenants)


def read_configuration(config: Path | None, home: Path, environ: Mapping[str, str]) -> Found:
    """Return the tenants of a file, as ``load``, and what is wrong. Raises ``Fatal`` for a file that can't be read."""
    if config is None:
        local = TenantConfig(
            id_key=_kept_secret(home, "id-key-acme"),
            keys=(KeyConfig(id="local", secret=_kept_secret(home, "key"), scopes=frozenset({"*"})),),
            connections=_local_connections(home),
        )
        return Found({"acme": local}, [])
    try:
        parsed = yaml.safe_load(config.read_text(encoding="utf-8"))
    except OSError as error:
        raise Fatal(f"the configuration {config} can't be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Fatal(f"{config} is not YAML: {error}") from None
    if not isinstance(parsed, dict) or set(parsed) != {"tenants"} or not isinstance(parsed["tenants"], dict):
        raise Fatal(f"{config}: expected one key, 'tenants', with a mapping of tenants")
    tenants: dict[str, TenantConfig] = {}
    mistakes: list[str] = []
    for name, body in parsed["tenants"].items():
        place = f"{config}: tenants.{name}"
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            mistakes.append(f"{place}: a tenant's name is 1 to 63 of a-z, 0-9, '.', '_', '-'")
        elif not isinstance(body, dict | None):
            mistakes.append(f"{place}: expected a mapping of settings")
        else:
            tenant = _read_tenant(dict(body or {}), home, environ, name, place, mistakes)
            if tenant is not None:
                tenants[name] = tenant
    mistakes += [f"{config}: {each}" for each in _across(tenants)]
    return Found(tenants, mistakes)


class Found(NamedTuple):
    """The tenants of a configuration that can be read, and in words all that is wrong."""

    tenants: dict[str, TenantConfig]
    mistakes: list[str]


def _read_tenant(
    body: dict[str, Any], home: Path, environ: Mapping[str, str], name: str, place: str, mistakes: list[str]
) -> TenantConfig | None:
    """Return a tenant; None where it can't be read. What is wrong is added to ``mistakes``."""
    missing: dict[Steps, str] = {}
    body = expand(body, environ, missing)
    mistakes += [f"{place}{written(steps)}: the environment has no {name}" for steps, name in missing.items()]
    if "id_key" not in body:
        body["id_key"] = _kept_secret(home, f"id-key-{name}")
    try:
        return TenantConfig.model_validate(body)
    except ValidationError as error:
        for steps, where, wrong in mistakes_of(error, TenantConfig):
            if not any(steps[: len(each)] == each for each in missing):
                mistakes.append(f"{place}{where}: {wrong}")
        return None


def _across(tenants: Mapping[str, TenantConfig]) -> Iterator[str]:
    """Yield what is wrong between parts that can be read each by itself."""
    seen: dict[str, str] = {}
    for name, config in tenants.items():
        for connection in config.connections:
            if _NAME.fullmatch(connection) is None or connection in seen:
                whose = seen.get(connection)
                yield f"tenants.{name}.connections.{connection}: the name is not valid or is {whose}'s"
            seen[connection] = name
    yield from secret_mistakes(tenants)
    for name, config in tenants.items():
        try:
            _check_agents_of_keys(name, config, directory_of(name, config))
        except Mistakes as several:
            yield from several.mistakes


def metrics_key(home: Path) -> str:
    """Return the key of ``/metrics`` where none is configured, made on first use.

    Raises ``OSError`` where it can't be kept.
    """
    return _kept_secret(home, "metrics-key")


def _kept_secret(home: Path, name: str) -> str:
    """A random secret that is made once, readable by its owner alone, whoever starts first."""
    path = home / name
    tighten(path)
    if not path.exists():
        make_folder(home)
        handle, draft = tempfile.mkstemp(dir=home)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            Path(draft).unlink()
    return path.read_text(encoding="ascii").strip()


def _local_connections(home: Path) -> dict[str, ConnectionConfig]:
    """A connection of each first provider, so that a hub without configuration can be tried at once."""
    secret = _kept_secret(home, "connection-secret")
    return {
        "acme-calls": ConnectionConfig(
            provider="voice/twilio", secrets=(secret,), region="US", settings={"numbers": ["+15550100199"]}
        ),
        "acme-chat": ConnectionConfig(provider="chat/webchat", secrets=(secret,)),
        "acme-mail": ConnectionConfig(provider="email/mime", settings={"addresses": ["support@acme.example"]}),
        "acme-social": ConnectionConfig(provider="social/meta", secrets=(secret,), settings={"verify_token": secret}),
    }
