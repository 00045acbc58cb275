"""Define the arguments of each tool. Their descriptions are what a model knows of them; unknown members are refused."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from cx_events.errors import Refused
from cx_events.json_types import Json

_CONVERSATION = "the conversation's id, as read_context shows it; or give interaction"
_INTERACTION = "the id of the contact that is going on, as your channel names it: a chat, a call, a mail thread"
_CURSOR = "continues a list: the cursor that the answer before ended with"

Id = Annotated[str, Meta(min_length=1, max_length=64)]
Interaction = Annotated[str, Meta(max_length=512, description=_INTERACTION)]
Conversation = Annotated[str, Meta(max_length=64, description=_CONVERSATION)]
Words = Annotated[str, Meta(min_length=1, max_length=2000)]
Cursor = Annotated[str, Meta(max_length=600, description=_CURSOR)]
Some = Annotated[int, Meta(ge=1, le=100, description="how many at most")]

ArgumentsT = TypeVar("ArgumentsT", bound="Arguments")


class Arguments(Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of the arguments of all tools."""


class FindCustomer(Arguments, kw_only=True):
    identifier: Annotated[
        str,
        Meta(
            min_length=3, max_length=600, description="KIND:VALUE, as email:ana@example.com, phone:+15550100, crm:4711"
        ),
    ]
    scope: Annotated[str, Meta(max_length=256, description="the identifier's scope, where its kind has one")] = ""


class ReadContext(Arguments, kw_only=True):
    """Give ``interaction``, else ``customer``."""

    interaction: Interaction = ""
    customer: Annotated[str, Meta(max_length=64, description="the customer's id")] = ""


class ReadTimeline(Arguments, kw_only=True):
    customer: Id
    limit: Some = 20
    cursor: Cursor = ""


class SearchHistory(Arguments, kw_only=True):
    customer: Id
    words: Annotated[str, Meta(min_length=2, max_length=200, description="words that a line must have, all of them")]
    limit: Some = 20


class ReadConversation(Arguments, kw_only=True):
    conversation: Conversation = ""
    interaction: Interaction = ""
    limit: Some = 20
    cursor: Cursor = ""


class OnConversation(Arguments, kw_only=True):
    """Base of acts on a conversation: by its id, or by an interaction in it."""

    conversation: Conversation = ""
    interaction: Interaction = ""


class ReadHandoff(OnConversation, kw_only=True):
    pass


class AddNote(OnConversation, kw_only=True):
    note: Annotated[str, Meta(min_length=1, max_length=8000, description="for the people who look after this customer")]


class SetTopic(OnConversation, kw_only=True):
    topic: Annotated[str, Meta(min_length=1, max_length=200, description="a few words: billing, late delivery")]


class RequestHandoff(OnConversation, kw_only=True):
    """The packet is what the next agent needs, so that the customer is not asked again."""

    reason: Annotated[str, Meta(min_length=1, max_length=2000, description="why you hand over")]
    summary: Annotated[str, Meta(max_length=2000, description="what the customer wants, and where it stands")] = ""
    tried: Annotated[list[Words], Meta(max_length=50, description="what you tried already")] = []
    slots: Annotated[dict[str, Any], Meta(max_length=50, description="what you learned: name and value")] = {}
    open_questions: Annotated[list[Words], Meta(max_length=50, description="what is still to be answered")] = []
    queue: Annotated[str, Meta(max_length=200, description="the id of the queue that shall take it")] = ""
    to: Annotated[str, Meta(max_length=200, description="a person, a team or a skill")] = ""


class IssueCode(OnConversation, kw_only=True):
    expires_in: Annotated[int, Meta(ge=60, le=30 * 86_400, description="seconds for which it can be used")] = 86_400


class ContinueConversation(Arguments, kw_only=True):
    token: Annotated[str, Meta(min_length=1, max_length=2048, description="the code, address or link as presented")]
    interaction: Annotated[str, Meta(min_length=1, max_length=512, description=_INTERACTION)]


def read_arguments(raw: Json, shape: type[ArgumentsT]) -> ArgumentsT:
    """Return a tool's arguments. Raises ``Refused("bad-arguments")`` that names the member."""
    try:
        return msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        raise Refused("bad-arguments", str(error)) from None


def schema_of(shape: type[Arguments]) -> Json:
    """Return the JSON Schema of a tool's arguments, an object at its root."""
    (found,), parts = msgspec.json.schema_components([shape], ref_template="#/$defs/{name}")
    own: Json = dict(parts.pop(found["$ref"].rpartition("/")[2]))
    own.pop("title", None)
    return {**own, **({"$defs": parts} if parts else {})}
