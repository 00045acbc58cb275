"""Map a flow's question to a Lambda function, ``ContactFlowEvent``, which a function may pass on to the hub.

It names the caller while the call is still ringing, which contact events don't
(docs.aws.amazon.com/connect/latest/adminguide/connect-lambda-functions.html, "Lambda function request"). A flow may ask
several times; the first is the contact's begin, and all of them say the same of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cx_channels.kit.aws.deliveries import Notice
from cx_channels.kit.json_values import obj
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Connection
from cx_channels.voice.amazon_connect.contact import contact_of
from cx_channels.voice.amazon_connect.contact_events import not_told
from cx_events.envelope import Data

_KEPT = (
    *("Channel", "ContactId", "CustomerEndpoint", "CustomerId", "InitialContactId", "InitiationMethod"),
    *("InstanceARN", "PreviousContactId", "SystemEndpoint"),
)


def map_flow_request(notice: Notice, connection: Connection) -> Iterator[Outcome]:
    """Map who is in the flow. Parameters, attributes and queue may differ with each question and are left out."""
    data = obj(obj(notice.value.get("Details")).get("ContactData"))
    contact = contact_of(data, connection)
    if not contact.id:
        yield notice.lost("malformed flow request: no ContactId")
        return
    if (left_out := not_told(contact)) is not None:
        yield left_out
        return
    kept = {name: data[name] for name in _KEPT if data.get(name) is not None}
    raw = msgspec.json.encode({"Name": "ContactFlowEvent", "Details": {"ContactData": kept}})
    yield contact.draft("cx.interaction.started.v1", "flow", raw, None, Data(reason=contact.method.lower()))
