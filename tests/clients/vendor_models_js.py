"""Hold what events say against the models that libraries in JavaScript make of the same requests; needs Node.

As ``vendor_models``, of those that PyPI has no library for: Zendesk's own client of Sunshine Conversations, Fedify for
the activities of an inbox, and mailparser for mail as it is.
"""

from __future__ import annotations

from tests.clients.node_sdks import reads
from tests.clients.vendor_models import Sdk, report

SDKS = (
    Sdk("chat/zendesk", "sunshine-conversations-client", reads("zendesk")),
    Sdk("social/mastodon", "@fedify/vocab", reads("mastodon")),
    Sdk("email/mime", "mailparser", reads("mail"), {"forwarders": []}),
)


if __name__ == "__main__":
    report(SDKS, "npm install")
