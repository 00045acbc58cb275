"""Send events in all modes of the JavaScript SDK of CloudEvents; needs Node."""

from __future__ import annotations

from tests.clients import node_client
from tests.clients.live_hub import live_hub

if __name__ == "__main__":
    with live_hub() as hub:
        print(node_client.run("cloudevents-http.mjs", hub.environment()), end="")
