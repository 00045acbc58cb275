"""Run the clients that ask vendors themselves: streams and pollers, under one supervisor.

A provider's folder has ``stream.py`` or ``poller.py`` beside ``mapping.py``, with ``open_source(connection, ports)``;
``source`` explains it. Whatever runs here reconnects, goes on at a stored cursor, and has one owner among all replicas.

Modules: ``source`` (the port), ``read_ahead`` (reads while what came is stored), ``acceptance`` (stores one delivery),
``backoff`` (pauses between two tries), ``writes`` (transactions), ``report`` (how a poller gets on), ``run`` (one
connection's), ``keeper`` (which of them this process runs); for sources, ``asking`` (a vendor's HTTP API), ``oauth``
(its tokens), ``tls``, ``merging`` (several sources as one) and ``aws`` (queues of SQS and streams of Kinesis).
"""
