"""Read a hub's topics with KafkaJS and the JavaScript SDK of CloudEvents; needs Node and a Kafka (``live_kafka``)."""

from __future__ import annotations

from tests.clients import node_client
from tests.clients.live_hub import live_hub
from tests.clients.live_kafka import live_kafka

if __name__ == "__main__":
    with live_kafka() as settings, live_hub(settings=settings) as hub:
        print(node_client.run("kafkajs.mjs", hub.environment()), end="")
