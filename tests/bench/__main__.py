"""``python -m tests.bench``: the same as ``cx bench``.

How fast the hub is, as ratios to floors that are measured beside it. Rooms:

- ``benchmarks``: the names, and ``main``; ``report``: ratios with median and spread (pure)
- a module for each kind of race: ``projecting``, ``dense``, ``history``, ``intake``, ``reading``, ``latency``,
  ``long``, ``embedded``, ``freshness``, ``following``; ``contexts``: a server of contexts and its floor
- ``workload``: the same events in every run (pure); ``dense_workload``: those of first weeks, when nearly everybody is
  new (pure); ``requests``: events as HTTP requests (pure)
- ``pure_intake``: what intake computes, in µs of CPU an event, without HTTP and log; run by itself
- ``pure_mapping``: what mapping computes, by provider, beside decoding the same bytes; run by itself
- ``floors/``: the least that any hub must do, as tight as we could write it; ``hubs/``: ours, where a race needs more
  than ``cx run``
- ``peers/``: stream processors that know nobody, fetched where they are asked for
- ``contender``, ``children``: a contender is a program that a run starts, tells to go and measures
- ``load``: the HTTP client in a process of its own; ``contest``: one contender over a whole log, verified
- ``servers``: a Kafka and a PostgreSQL, topics and databases of a run's own; ``measure``: CPU seconds by /proc
- ``profile_dense``: a program that profiles a projector, by ``sampling`` and the ``statements`` of its driver
"""

import sys

from cx_hub.cli import run

sys.exit(run(["bench", *sys.argv[1:]]))
