"""Decide what the client does, without I/O: no sockets, no clocks, no threads.

An *operation* is a generator. It yields what is to be done (a request, or a pause) and is sent what came of it; its
return value is the outcome. The sync and the async client run the same operations.

Modules: ``errors``, ``outcomes`` (of sending), ``exchanges`` (requests, answers, operations), ``retries`` (when to ask
again), ``asking`` (a request until it has an answer, and problems as errors), ``batches`` (events as bytes, in requests
that the hub takes), ``sending``, ``reading``, ``event_stream`` (server-sent events out of bytes), ``following`` (one
stream over many connections), ``watching`` (contexts out of a stream), ``desks`` (an agent's assignments out of a
stream), ``subjects`` (the states of several
subjects out of one stream), ``json_patch``, ``backlog`` (events that wait for a background sender).
"""
