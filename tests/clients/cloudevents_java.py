"""Read a hub's topics with the Java SDK of CloudEvents, as a deserializer of Kafka's console consumer.

It needs a Kafka (``live_kafka``), and the network where its jars are not in the cache yet.
"""

from __future__ import annotations

import os
import re
import subprocess

import httpx2
from tests.clients.live_hub import KEY, LiveHub, live_hub
from tests.clients.live_kafka import live_kafka

from cx_hub.stack.jars import cache_folder, jars, maven_url
from cx_hub.stack.kafka_tools import tool_command

SDK = {
    "io/cloudevents/cloudevents-api/4.0.1/cloudevents-api-4.0.1.jar": (
        "1eb08784349017f4d9bf7e31cd9107c7e1dd15138f60507168a3a68b0206cf5b"
    ),
    "io/cloudevents/cloudevents-core/4.0.1/cloudevents-core-4.0.1.jar": (
        "f6226bac64b9fd84b15ec2111eb50b512febec55bbf40495cce841946b8dc120"
    ),
    "io/cloudevents/cloudevents-json-jackson/4.0.1/cloudevents-json-jackson-4.0.1.jar": (
        "0b63817b29ed6e04c401928acf701470fd5d16c447e54d78cc2801800820617f"
    ),
    "io/cloudevents/cloudevents-kafka/4.0.1/cloudevents-kafka-4.0.1.jar": (
        "278d5de9ec8a193f83d524ae3557b1cb65c4e5e6c3f6c6544f48a1d1995dcb53"
    ),
}

EVENT = {
    "specversion": "1.0",
    "id": "java-1",
    "source": "//acme.example/java",
    "type": "cx.message.received.v1",
    "data": {
        "channel": "chat",
        "interaction": "chat-1",
        "participants": [{"role": "customer", "identifiers": [{"kind": "email", "value": "ana@example.com"}]}],
        "message": {"id": "java-1", "text": "I was charged twice"},
    },
}


def first_of(hub: LiveHub, topic: str) -> str:
    """Return the first record of a topic, as the SDK prints an event."""
    environment = hub.environment()
    consumer = tool_command(
        "console-consumer",
        [
            *("--topic", environment["CX_TOPIC_PREFIX"] + topic, "--from-beginning", "--max-messages", "1"),
            *("--formatter-property", "value.deserializer=io.cloudevents.kafka.CloudEventDeserializer"),
        ],
        environment["CX_KAFKA"],
        os.environ,
    )
    path = consumer.index("-cp") + 1
    sdk = jars(cache_folder(os.environ), maven_url(os.environ), SDK)
    consumer[path] = ":".join([consumer[path], *map(str, sdk)])
    done = subprocess.run(consumer, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def main() -> None:
    with live_kafka() as settings, live_hub(settings=settings) as hub:
        with httpx2.Client(base_url=hub.url, headers={"authorization": f"Bearer {KEY}"}, timeout=60) as client:
            client.post("/v1/events", json=EVENT).raise_for_status()
        event, notice = first_of(hub, "cx.interactions"), first_of(hub, "cx.context-changes")
    assert "id='java-1'" in event and "type='cx.message.received.v1'" in event, event
    assert "source=//throughline/acme/contexts" in notice and "type='cx.context.changed.v1'" in notice, notice
    assert re.search(r"id='[0-9a-f-]{36}/\d+'", notice), notice
    print("an event in structured mode and a notice in binary mode, by the Java SDK")


if __name__ == "__main__":
    main()
