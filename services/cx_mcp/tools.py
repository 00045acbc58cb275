"""List the tools, and what a model is told of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from cx_mcp import acting, arguments, reading
from cx_mcp.answers import ToolAnswer
from cx_mcp.hub_api import HubApi


class Tool(NamedTuple):
    """A tool. ``writes``: it appends an event."""

    title: str
    description: str
    arguments: type[arguments.Arguments]
    call: Callable[[HubApi, Any], Awaitable[ToolAnswer]]
    writes: bool = False


TOOLS: Mapping[str, Tool] = MappingProxyType(
    {
        "read_context": Tool(
            "Read a customer's context",
            "What is known of the customer in a contact: who it is and how surely, why they are here, what they said "
            "on every channel, what was tried, what not to ask again. Begin here, with the contact that goes on.",
            arguments.ReadContext,
            reading.read_context,
        ),
        "find_customer": Tool(
            "Find a customer",
            "Who an identifier belongs to: an email address, a phone number, a customer number.",
            arguments.FindCustomer,
            reading.find_customer,
        ),
        "read_timeline": Tool(
            "Read a customer's history",
            "All that happened with a customer over all channels, newest first, a page at a time.",
            arguments.ReadTimeline,
            reading.read_timeline,
        ),
        "search_history": Tool(
            "Search a customer's history",
            "The entries of a customer's history that have all of some words, whatever their case and accents.",
            arguments.SearchHistory,
            reading.search_history,
        ),
        "read_conversation": Tool(
            "Read a conversation",
            "One conversation over all its channels: where it stands and what was said, newest first.",
            arguments.ReadConversation,
            reading.read_conversation,
        ),
        "read_handoff": Tool(
            "Read a handoff's packet",
            "What the next agent needs to know of a conversation: what was said and tried, what is known and open.",
            arguments.ReadHandoff,
            reading.read_handoff,
        ),
        "add_note": Tool(
            "Write a note",
            "A note in a conversation, for the people who look after the customer. The customer doesn't see it.",
            arguments.AddNote,
            acting.add_note,
            writes=True,
        ),
        "set_topic": Tool(
            "Set the topic",
            "What a conversation is about, in a few words.",
            arguments.SetTopic,
            acting.set_topic,
            writes=True,
        ),
        "request_handoff": Tool(
            "Hand over to a person",
            "Ask for a person to take over, with all that you learned, so that the customer is not asked again. It "
            "works for a contact that is not assured, too.",
            arguments.RequestHandoff,
            acting.request_handoff,
            writes=True,
        ),
        "issue_code": Tool(
            "Let the customer go on elsewhere",
            "A code, a mail address and a link by which the customer goes on with a conversation on another channel.",
            arguments.IssueCode,
            acting.issue_code,
            writes=True,
        ),
        "continue_conversation": Tool(
            "Go on with an earlier conversation",
            "The customer presents a code, an address or a link of an earlier conversation: go on with it.",
            arguments.ContinueConversation,
            acting.continue_conversation,
            writes=True,
        ),
    }
)
