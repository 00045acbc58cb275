"""Messages by Twilio: SMS, MMS, WhatsApp, RCS and Messenger, and Twilio Conversations. See README.md.

Modules: ``mapping`` (requests to events, by kind), ``callback`` (one request, and its drafts), ``people`` (addresses
and identities), ``messaging`` and ``conversations`` (kinds of the two products), ``streams`` (Event Streams),
``listing`` (what was missed).
"""

from __future__ import annotations

from cx_channels.chat.twilio.mapping import DOCUMENTED, expects_twiml, kinds_of, map_request
from cx_channels.chat.twilio.people import WEIGHTS
from cx_channels.kit.catch_up_settings import CATCH_UP_SETTINGS, catch_up_settings
from cx_channels.kit.settings import check_choice
from cx_channels.kit.twilio_forms import TWIML
from cx_channels.kit.twilio_lists import API_SETTINGS, has_api, twilio_api
from cx_channels.kit.twilio_media import MEDIA
from cx_channels.kit.twilio_shared_keys import SETTING, keys_of
from cx_channels.kit.twilio_signature import SIGNATURE, sign, verify
from cx_channels.provider import Answer, Connection, Mapped, Provider, Request


def _answer(_mapped: Mapped, request: Request) -> Answer:
    """TwiML that does nothing for a message, since words in an answer would be sent to the person; else nothing."""
    if expects_twiml(request):
        return Answer(body=TWIML, content_type="text/xml; charset=utf-8")
    return Answer()


def _warnings(connection: Connection) -> tuple[str, ...]:
    """Return what a connection lacks. ``Fatal`` for settings that can't be meant."""
    keys_of(connection)
    check_choice(connection, "statuses", "keep", "ignore")
    if has_api(connection):
        twilio_api(connection)
        catch_up_settings(connection)
    return ()


PROVIDER = Provider(
    name="chat/twilio",
    channel="sms",
    more_channels=frozenset({"social", "chat"}),
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    answer=_answer,
    methods=frozenset({"GET", "POST"}),
    warnings=_warnings,
    asks=has_api,
    weights=WEIGHTS,
    media=MEDIA,
    settings=frozenset({"accounts", "bots", "customers", "statuses", SETTING, *API_SETTINGS, *CATCH_UP_SETTINGS})
    | MEDIA.settings,
    secret_settings=frozenset({SETTING}),
)
