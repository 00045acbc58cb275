"""A Kafka that asks who is there: TLS by an authority of its own, names and passwords, clients' certificates."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from cx_hub.stack.jars import cache_folder, jars, maven_url
from cx_hub.stack.kafka import await_kafka, java
from cx_hub.stack.processes import end, free_port, launch

USER = "hub"
PASSWORD = "p@ss:word/1"
SCRAM = ("SCRAM-SHA-512", "SCRAM-SHA-256")


@dataclass(frozen=True)
class Secured:
    """``by_name``: a listener that wants a name, over TLS; ``by_certificate``: one that wants a certificate; ``ca``,
    ``cert``, ``key``: PEM files, the last two a client's."""

    by_name: str
    by_certificate: str
    ca: Path
    cert: Path
    key: Path


@contextmanager
def secured_kafka(folder: Path) -> Iterator[Secured]:
    authority = trustme.CA()
    server, client = authority.issue_cert("127.0.0.1"), authority.issue_cert("hub.example.com")
    ca, cert, key = folder / "ca.pem", folder / "client.pem", folder / "client.key"
    authority.cert_pem.write_to_path(ca)
    client.cert_chain_pems[0].write_to_path(cert)
    client.private_key_pem.write_to_path(key)
    chain = b"".join(pem.bytes() for pem in server.cert_chain_pems)
    (folder / "server.pem").write_bytes(_as_java_reads(server.private_key_pem.bytes()) + chain)
    plain, controller, named, certified = (free_port() for _ in range(4))
    settings = folder / "server.properties"
    settings.write_text(_properties(folder, plain, controller, named, certified), encoding="utf-8")
    java_of = [java(), "-Xmx384m", "-XX:+UseSerialGC", "-cp"]
    java_of.append(":".join(map(str, jars(cache_folder(os.environ), maven_url(os.environ)))))
    users = [f"{mechanism}=[name={USER},password={PASSWORD}]" for mechanism in SCRAM]
    added = [word for user in users for word in ("--add-scram", user)]
    subprocess.run(
        [*java_of, "kafka.tools.StorageTool", "format", "-t", uuid4().hex[:22], "-c", str(settings), *added],
        check=True,
        capture_output=True,
    )
    process = launch([*java_of, "kafka.Kafka", str(settings)], log=folder / "kafka.log", cwd=folder)
    try:
        await_kafka(process, plain, folder / "kafka.log")
        yield Secured(f"127.0.0.1:{named}", f"127.0.0.1:{certified}", ca, cert, key)
    finally:
        end(process, signal.SIGKILL, 10)


def _as_java_reads(key: bytes) -> bytes:
    return load_pem_private_key(key, None).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _properties(folder: Path, plain: int, controller: int, named: int, certified: int) -> str:
    login = "org.apache.kafka.common.security"
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller},NAMED://127.0.0.1:{named},\
CERTIFIED://127.0.0.1:{certified}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,NAMED:SASL_SSL,CERTIFIED:SSL
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={folder / "data"}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
ssl.keystore.type=PEM
ssl.keystore.location={folder / "server.pem"}
ssl.truststore.type=PEM
ssl.truststore.location={folder / "ca.pem"}
listener.name.certified.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.named.plain.sasl.jaas.config={login}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";
listener.name.named.scram-sha-256.sasl.jaas.config={login}.scram.ScramLoginModule required;
listener.name.named.scram-sha-512.sasl.jaas.config={login}.scram.ScramLoginModule required;
"""
