"""Ask S3 for what contact records name: recordings of calls and screens, transcripts of chats.

docs.aws.amazon.com/connect/latest/adminguide/ctr-data-model.html: ``Location`` is ``bucket/key``, and AWS writes it;
nobody who calls can. A file of a chat is named by an id that only its participants may ask for.
"""

from __future__ import annotations

from cx_channels.kit.aws.objects import SETTINGS, lacks_key, object_request
from cx_channels.provider import MediaSource

MEDIA = MediaSource(object_request, SETTINGS, lacks_key("recordings"))
