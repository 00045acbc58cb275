"""Run the story against a hub in this process, on embedded parts in a folder of its own, or against one that runs
elsewhere."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from cx_context.store import Store
from cx_events.errors import Fatal, TryLater
from cx_events.log import Log
from cx_hub.client import Client, connected
from cx_hub.demo.actors import (
    PATIENCE,
    AssuredBot,
    Browser,
    Desktop,
    Hook,
    MailServer,
    PhoneCompany,
    SocialNetwork,
    Software,
    WebSite,
)
from cx_hub.demo.ai_agent import AiAgent
from cx_hub.demo.bot import ChatBot
from cx_hub.demo.cast import BEN, FIRST, Cast, World
from cx_hub.demo.stage import Stage
from cx_hub.demo.story import tell
from cx_hub.tenancies import tenancies_and_windows
from cx_projectors.verify import verify
from cx_runtime.settings import Settings
from cx_runtime.tenants import ConnectionConfig, KeyConfig, Scope, TenantConfig, Tenants

TENANT = "acme"
PUBLIC_URL = "https://hub.acme.example"
"""As which the hub in this process is known to providers: what they sign, whatever port it has got."""

KEYS: Mapping[str, frozenset[Scope]] = {
    "writer": frozenset({"events:write"}),
    "bot": frozenset({"events:write", "context:read", "conversations:write"}),
    "ai-agent": frozenset({"context:read", "conversations:write"}),
    "desk": frozenset({"context:read", "conversations:write"}),
    "crm": frozenset({"events:write", "identity:assert"}),
    "login": frozenset({"events:write", "identity:prove"}),
}
"""What those who take part may do: a CRM vouches for its records, a login proves, nobody else says who is who."""
RESTRICTED = frozenset({"bot", "ai-agent"})
"""Whose keys have ``required_assurance``: a bot reads of contacts that are assured enough, and nothing else."""


def embedded_settings(home: Path, port: int = 0, smtp_port: int = 0) -> Settings:
    """Settings of a hub on files alone, whatever the environment says."""
    return Settings(
        home=home,
        log_url=f"sqlite:///{home.absolute() / 'log.db'}",
        store_url=f"sqlite+aiosqlite:///{home.absolute() / 'store.db'}",
        blob_url=f"file://{home.absolute() / 'blobs'}",
        config=None,
        host="127.0.0.1",
        port=port,
        smtp_port=smtp_port,
        public_url=PUBLIC_URL,
        topic_prefix="",
        workers=1,
    )


@contextmanager
def home_folder(given: Path | None) -> Iterator[Path]:
    """The folder that is given, or one that is gone afterwards."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="throughline-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@dataclass(frozen=True, slots=True)
class Doors:
    """The addresses of a hub: all its services at one, or each at its own. ``key``: instead of the configured ones.
    ``public_url``: as in the hub's settings. ``patience``: seconds that anything may take."""

    channels: str
    api: str
    smtp: tuple[str, int]
    tenants: Tenants
    key: str = ""
    public_url: str = PUBLIC_URL
    where: str = "in this process"
    patience: float = PATIENCE


async def play(doors: Doors, stage: Stage, cast: Cast = FIRST) -> None:
    """Tell the story to a hub that runs; what was checked stands in the stage."""
    tenant = doors.tenants.by_name.get(TENANT)
    if tenant is None:
        raise Fatal(f"the story is {TENANT}'s: the configuration has no such tenant")
    async with AsyncExitStack() as stack:
        await tell(stage, await _world(stack, doors, tenant, cast))


async def _world(stack: AsyncExitStack, doors: Doors, tenant: TenantConfig, cast: Cast) -> World:
    """Return everybody who takes part, each with a key of just the scopes that it needs, where there is one."""
    calls, chat, social = (_connection(tenant, id) for id in ("acme-calls", "acme-chat", "acme-social"))
    origin = (chat.settings.get("origins") or ["https://www.acme.example"])[0]
    patience = doors.patience
    outside = await stack.enter_async_context(httpx2.AsyncClient(timeout=PATIENCE, trust_env=False))

    async def client(url: str, *scopes: Scope, restricted: bool = False) -> Client:
        return await stack.enter_async_context(connected(url, _key(doors, tenant, *scopes, restricted=restricted)))

    async def software(name: str, *scopes: Scope, restricted: bool = False) -> Software:
        of_software = await client(doors.channels, "events:write", *scopes, restricted=restricted)
        return Software(of_software, f"//acme.example/{name}", patience)

    def browser() -> Browser:
        return Browser(doors.channels, "acme-chat", origin, patience)

    def hook(id: str) -> Hook:
        return Hook(outside, f"{doors.channels}/v1/hooks/{id}", patience)

    of_bot = await client(doors.api, *KEYS["bot"], restricted=True)
    return World(
        cast=cast,
        where=doors.where,
        browser=browser(),
        site=WebSite(chat.secrets[0]),
        strangers_browser=browser(),
        other_browser=browser(),
        phone=PhoneCompany(hook("acme-calls"), calls.secrets[0], f"{doors.public_url}/v1/hooks/acme-calls"),
        social=SocialNetwork(hook("acme-social"), social.secrets[0]),
        mail=MailServer(*doors.smtp, patience),
        bot=await software("bot"),
        assured_bot=AssuredBot(of_bot, patience),
        chat_bot=ChatBot(of_bot, await software("bot", *KEYS["bot"], restricted=True), patience),
        ai_agent=AiAgent(doors.api, _key(doors, tenant, *KEYS["ai-agent"], restricted=True), patience),
        crm=await software("crm", "identity:assert"),
        helpdesk=await software("helpdesk"),
        login=await software("login", "identity:prove"),
        desk=Desktop(await client(doors.api, "context:read", "conversations:write"), BEN, patience),
    )


def _connection(tenant: TenantConfig, id: str) -> ConnectionConfig:
    if id not in tenant.connections:
        raise Fatal(f"the story needs the connection {id}, as deploy/example.yaml has it")
    return tenant.connections[id]


def _key(doors: Doors, tenant: TenantConfig, *scopes: Scope, restricted: bool = False) -> str:
    """Return the key that is given, else the tenant's that may do this, and the least beside it.

    ``restricted``: of those with ``required_assurance`` if there are any; else of the others.
    """
    if doors.key:
        return doors.key
    fitting = [key for key in tenant.keys if all(key.allows(scope) for scope in scopes)]
    if not restricted or any(key.required_assurance for key in fitting):
        fitting = [key for key in fitting if (key.required_assurance is not None) == restricted]
    if not fitting:
        raise Fatal(f"the story needs a key of the tenant {TENANT} with the scopes {', '.join(scopes)}")
    return min(fitting, key=lambda key: ("*" in key.scopes, len(key.scopes))).secret


def with_keys_of_the_story(tenants: Tenants) -> Tenants:
    """Return the tenants with a key more for each who takes part in the story, of just the scopes that it needs."""
    keys = tuple(
        KeyConfig(
            id=f"demo-{id}",
            secret=secrets.token_urlsafe(32),
            scopes=scopes,
            required_assurance="asserted" if id in RESTRICTED else None,
        )
        for id, scopes in KEYS.items()
    )
    acme = tenants.by_name[TENANT]
    return Tenants({**tenants.by_name, TENANT: acme.model_copy(update={"keys": acme.keys + keys})})


async def hold_against_the_log(stage: Stage, tenants: Tenants, store: Store, log: Log) -> None:
    """The proof at the end: the whole log read again, and every context made anew."""
    findings = await verify(store, log, tenancies_and_windows(tenants))
    stage.step("proof", "The whole log is read again, and every context made anew.")
    stage.says(f"{findings.events} events, {findings.customers} customer, {len(findings.wrong)} differences")
    for sentence in findings.wrong:
        stage.says(sentence)
    stage.check("what was kept up to date equals what the log says, byte for byte", not findings.wrong)


READY_SECONDS = 300.0
"""For a hub that was started a moment ago: on a loaded machine that takes long."""


async def until_ready(url: str, seconds: float = READY_SECONDS) -> None:
    """Wait until a service says that it is ready; ``TryLater`` with what is missing."""
    missing = "no answer"
    deadline = time.monotonic() + seconds
    async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as http:
        while time.monotonic() < deadline:
            try:
                answer = await http.get(f"{url}/readyz")
            except httpx2.HTTPError as error:
                missing = str(error) or type(error).__name__
            else:
                if answer.is_success:
                    return
                missing = answer.json().get("detail", answer.text)
            await asyncio.sleep(0.05)
    raise TryLater("hub", f"{url} did not get ready within {seconds:.0f} s: {missing}")
