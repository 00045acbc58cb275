"""A customer's events folded by quixstreams, exactly once, as somebody writes it who does not ask who is who.

A program for an interpreter that has quixstreams: ``python quixstreams_app.py TASK``, see ``peer_contest.PeerTask``.
The log is keyed by the mail address already, so each customer's state lies with the events' partition.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from quixstreams import Application, State

MESSAGES_KEPT = 5


def folded(known: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """Return a customer's state with one more event."""
    data = event["data"]
    known["events"] += 1
    known["channels"][data["channel"]] = known["channels"].get(data["channel"], 0) + 1
    known["first"] = min(known["first"], event["time"])
    known["latest"] = event["id"]
    if "message" in data:
        message = {"time": event["time"], "channel": data["channel"], "text": data["message"]["text"]}
        known["messages"] = [*known["messages"], message][-MESSAGES_KEPT:]
    return known


def new_customer(event: dict[str, Any]) -> dict[str, Any]:
    identifiers = event["data"]["participants"][0]["identifiers"]
    mail = next(each["value"] for each in identifiers if each["kind"] == "email")
    return {"mail": mail, "events": 0, "channels": {}, "first": event["time"], "latest": "", "messages": []}


def main() -> None:
    task = json.loads(sys.argv[1])
    app = Application(
        broker_address=task["servers"],
        consumer_group=task["group"],
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        state_dir=task["folder"],
        loglevel="ERROR",
    )
    processed = 0

    def fold(event: dict[str, Any], state: State) -> dict[str, Any]:
        nonlocal processed
        known = folded(state.get("customer") or new_customer(event), event)
        state.set("customer", known)
        processed += 1
        if processed == task["warm"]:
            print(json.dumps({"ready": True}), flush=True)
            sys.stdin.readline()
        elif processed == task["total"]:
            app.stop()  # which commits what is not committed yet
        return {"customer": known["mail"], "events": known["events"], "latest": known["latest"]}

    events = app.topic(task["events"], value_deserializer="json")
    changes = app.topic(task["changes"], value_serializer="json")
    app.dataframe(events).apply(fold, stateful=True).to_topic(changes)
    app.run()
    sys.stdin.readline()
    print(json.dumps({"processed": processed}), flush=True)


if __name__ == "__main__":
    main()
