"""Name the people of the story and the ids under which the outside world knows them."""

from __future__ import annotations

from dataclasses import dataclass

from cx_hub.demo.actors import (
    AssuredBot,
    Browser,
    Desktop,
    MailServer,
    PhoneCompany,
    SocialNetwork,
    Software,
    WebSite,
)
from cx_hub.demo.ai_agent import AiAgent
from cx_hub.demo.bot import ChatBot

BUSINESS = "+15550100199"
SUPPORT = "support@acme.example"
PAGE = "100000000000001"
BEN = {"id": "ben", "name": "Ben"}


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of the story and their ids. ``mark`` stands before the ids of events."""

    email: str = "ana@example.com"
    phone: str = "+15550100123"
    cookie: str = "c-7f3a"
    strangers_cookie: str = "c-e91d"
    other_cookie: str = "c-b840"
    crm: str = "C-1009"
    psid: str = "2000000000000042"
    order: str = "4711"
    call: str = "CA00000000000000000000000000004711"
    recording: str = "RE00000000000000000000000000004711"
    post: str = "9001"
    mark: str = ""

    @staticmethod
    def anew(number: int) -> Cast:
        """Others for each number below ten millions: a hub that heard the story before hears it of somebody new."""
        digits = f"{number:07d}"
        return Cast(
            email=f"ana.{digits}@example.com",
            phone=f"+1555{digits}",
            cookie=f"c-{digits}",
            strangers_cookie=f"c-{digits}-e",
            other_cookie=f"c-{digits}-b",
            crm=f"C-{digits}",
            psid=f"20000{digits}",
            order=f"4711{digits}",
            call=f"CA{digits:0>32}",
            recording=f"RE{digits:0>32}",
            post=f"9001{digits}",
            mark=f"{digits}-",
        )


FIRST = Cast()


@dataclass
class World:
    """Everybody who takes part. ``where``: the hub that they speak to, in words."""

    cast: Cast
    where: str
    browser: Browser
    site: WebSite
    strangers_browser: Browser
    other_browser: Browser
    phone: PhoneCompany
    social: SocialNetwork
    mail: MailServer
    bot: Software
    assured_bot: AssuredBot
    chat_bot: ChatBot
    ai_agent: AiAgent
    crm: Software
    helpdesk: Software
    login: Software
    desk: Desktop
