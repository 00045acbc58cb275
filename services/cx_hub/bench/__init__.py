"""``cx bench``: how fast the hub is, as ratios to a floor that is measured beside it.

    main(["projector_vs_floor"], rounds=7)      # one JSON object on stdout, progress on stderr

Rooms: ``workload`` (the same events in every run, pure), ``servers`` (a Kafka and a PostgreSQL, topics and databases of
a run's own), ``floor`` and ``hub`` (the two contenders: programs that a run starts, tells to go and measures),
``contest`` (one contender over a whole log, verified), ``measure`` (CPU seconds by /proc), ``benchmarks`` (which
contenders, in which rounds), ``report`` (ratios with median and spread).
"""

from cx_hub.bench.benchmarks import NAMES, main

__all__ = ["NAMES", "main"]
