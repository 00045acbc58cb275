"""Ask a hub for its readiness from Node, as an example of a client; needs Node.

python -m tests.clients.hello
"""

from __future__ import annotations

from tests.clients import node_client
from tests.clients.live_hub import live_hub

if __name__ == "__main__":
    with live_hub() as hub:
        print(node_client.run("hello.mjs", hub.environment()), end="")
