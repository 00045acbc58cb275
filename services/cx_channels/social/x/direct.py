"""Map direct messages: the same elements come by both APIs."""

from __future__ import annotations

from collections.abc import Iterator

from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, objects, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.social.x.account import Account, dm_root, film_of, id_of, plain, time_of
from cx_channels.social.x.kinds import ignored
from cx_events.envelope import Attachment, Message
from cx_events.json_types import Json


def map_message(account: Account, element: Json) -> Iterator[Outcome]:
    """Map one message, of either side."""
    about = obj(element.get("message_create"))
    id, sender = id_of(element), text(about.get("sender_id"))
    receiver = text(obj(about.get("target")).get("recipient_id"))
    if not id or not sender or not receiver:
        yield account.lost("direct message", "it has no id, or names not both sides", element)
        return
    ours = account.ours or {receiver}
    if sender in ours and receiver in ours:
        yield ignored("dm/own")
        return
    data = obj(about.get("message_data"))
    words = plain(text(data.get("text")), data.get("entities"))
    message = Message(
        id=id, text=words, content_type="text/plain" if words else "", attachments=list(files_of(data))
    )  # fmt: skip
    sent = sender in ours
    people = [account.person(receiver if sent else sender)]
    people.append(account.business(sender, text(about.get("source_app_id"))) if sent else account.business(receiver))
    yield account.draft(
        f"cx.message.{'sent' if sent else 'received'}.v1", f"dm/{id_part(id)}", element, dm_root(sender, receiver),
        time_of(element), people, "outbound" if sent else "inbound", message=message,
    )  # fmt: skip


def files_of(data: Json) -> Iterator[Attachment]:
    """Yield a message's file by its address, which asks for the account's own token."""
    attachment = obj(data.get("attachment"))
    media = obj(attachment.get("media"))
    url = first(media.get("media_url_https"), media.get("media_url"))
    film = film_of(media)
    if film is not None:
        yield film
    elif url:
        yield Attachment(content_type="image/*", url=url)
    place = obj(obj(obj(obj(attachment.get("location")).get("shared_coordinate")).get("coordinates")))
    point = place.get("coordinates")
    if isinstance(point, list) and len(point) == 2 and all(isinstance(each, int | float) for each in point):
        yield Attachment(name="location", url=f"geo:{point[1]},{point[0]}")


def map_read(account: Account, element: Json) -> Iterator[Outcome]:
    """Map that the customer read all up to a message."""
    reader, last = text(element.get("sender_id")), text(element.get("last_read_event_id"))
    other = text(obj(element.get("target")).get("recipient_id"))
    if not reader or not last or not other:
        yield account.lost("read receipt", "it names no message, or not both sides", element)
    elif reader in account.ours:
        yield ignored("dm/read-by-us")
    else:
        yield account.draft(
            "cx.message.read.v1", f"dm/{id_part(last)}/read/{id_part(reader)}", element, dm_root(reader, other),
            time_of(element), [account.person(reader)], "outbound", message=Message(id=last),
        )  # fmt: skip


def map_encrypted(account: Account, payload: Json) -> Iterator[Outcome]:
    """Map that an encrypted message (XChat) was written. No keys, tokens or cipher texts are kept."""
    listed = objects(payload.get("direct_message_events"))
    about = listed[0] if listed else payload
    id, sender, talk = id_of(about), text(about.get("sender_id")), first(
        about.get("conversation_id"), about.get("dm_conversation_id")
    )  # fmt: skip
    if not id or not sender or not talk:
        kept: Json = {name: about[name] for name in ("id", "sender_id", "conversation_id") if name in about}
        yield account.lost("encrypted message", "it has no id, no sender or no conversation", kept)
        return
    sent = sender in account.ours
    others = [each for each in talk.replace(":", "-").split("-") if each and each not in account.ours]
    people = [account.person(sender)] if not sent else [account.person(each) for each in others[:1]]
    if sent:
        people.append(account.business(sender))
    kept = {
        "id": id,
        "sender_id": sender,
        "conversation_id": talk,
        "created_at_msec": text(about.get("created_at_msec")),
    }
    pair = talk.replace(":", "-").split("-")
    root = dm_root(*pair) if len(pair) == 2 else f"dm/{id_part(talk)}"
    yield account.draft(
        f"cx.message.{'sent' if sent else 'received'}.v1", f"chat/{id_part(id)}", kept, root, time_of(about), people,
        "outbound" if sent else "inbound", message=Message(id=id), reason="encrypted",
    )  # fmt: skip
