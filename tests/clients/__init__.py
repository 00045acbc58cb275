"""Clients that others wrote, run against a live hub.

    python -m tests.clients.NAME

starts a hub on free ports, hands its addresses and keys to the client NAME, and ends with 0 if the client met what it
should have. What NAME needs beside Python is said by the module; the suite needs none of it. Clients in Node lie in
``node``, vendors' libraries in ``node_sdks``, with pinned versions that ``npm ci`` installs at the first run. Clients
in Python are development dependencies and run in the suite.

A client is told where the hub is by environment variables: ``CX_URL``, ``CX_KEY`` (all scopes), ``CX_SENDER_KEY``
(``events:write``), ``CX_READER_KEY`` (``context:read``), ``CX_SMTP_PORT``, and ``CX_KAFKA`` (``HOST:PORT``) and
``CX_TOPIC_PREFIX`` where the hub's log is on Kafka.

Modules: ``live_hub`` (a hub that can be stopped and started again at the same address), ``live_kafka`` (a Kafka for
it), ``node_client`` (installs and runs a program in Node), ``node_sdks`` (asks vendors' libraries in Node); clients:
``cloudevents_js`` (the JavaScript SDK of CloudEvents over HTTP), ``kafkajs`` (KafkaJS and that SDK),
``cloudevents_java`` (the Java SDK on Kafka), ``eventsource`` (npm's eventsource), ``openapi_ts`` (clients that
@hey-api/openapi-ts makes of the OpenAPI documents), ``swaks`` (mail over SMTP). These need no hub, but the vendors'
libraries: ``vendor_signatures`` (checks of signatures beside the vendors' own, which ``vendor_checks`` calls, of
requests and what ``vendor_alterations`` makes of them), ``vendor_signatures_js`` (the same with those in Node),
``vendor_models`` (events beside what the vendors' own libraries read, by ``vendor_readers`` and
``vendor_mail_readers``), ``vendor_models_js`` (the same with those in Node).
"""
