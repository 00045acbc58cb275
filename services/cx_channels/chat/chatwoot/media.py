"""Fetch files from the tenant's own installation of Chatwoot, by addresses that are signed and ask for no credentials.

github.com/chatwoot/chatwoot, app/models/concerns/attachmentable.rb (``file_url``); api.rubyonrails.org/classes/
ActiveStorage/Blobs/RedirectController.html: the address lasts, and answers with a redirect to where the file lies, for
minutes; or with the file itself. An ``external_url`` (a story, what was shared) is somebody else's.
"""

from __future__ import annotations

import re

from cx_channels.kit.media import FILE_NAME, OF_A_SERVER, is_on_server, lacks_server, stores_of
from cx_channels.provider import Connection, MediaRequest, MediaSource
from cx_events.timestamps import Micros

_PATH = re.compile(rf"/rails/active_storage/blobs/(?:redirect/|proxy/)?(?:[A-Za-z0-9_=-]|%3[Dd]){{1,2000}}/{FILE_NAME}")


def _request(url: str, connection: Connection, _now: Micros) -> MediaRequest | None:
    if not is_on_server(url, connection, _PATH):
        return None
    return MediaRequest(url, leads_to=stores_of(connection))


MEDIA = MediaSource(
    _request, settings=OF_A_SERVER, lacks=lacks_server("the address of Chatwoot, such as https://app.chatwoot.com", {})
)
