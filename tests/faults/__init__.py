"""Trials by fault: processes and servers are killed under load, or there is too much of it, and afterwards all must be
as if nothing had been.

    python -m tests.faults.workers_killed [--events N] [--kills N] [--freezes N]
    python -m tests.faults.broker_killed  [--events N] [--kills N]
    python -m tests.faults.hub_killed     [--events N] [--kills N] [--parts embedded|servers]
    python -m tests.faults.followers      [--events N] [--kills N] [--followers N]
    python -m tests.faults.rebuild_killed [--events N] [--kills N] [--followers N]
    python -m tests.faults.servers_restarted [--events N] [--rounds N] [--most SECONDS]
    python -m tests.faults.outages        [--times N] [--seed N] [--most SECONDS] [--form one|each]
    python -m tests.faults.overload       [--minutes N]
    python -m tests.faults.neighbours     [--seconds N] [--turns N] [--greed N] [--parts embedded|servers] [--apart]
    python -m tests.faults.planted_differences [--trials N] [--seed TEXT] [--parts embedded|servers]
    python -m tests.faults.polled_vendors [--minutes N] [--seed TEXT] [--vendor NAME...]
    python -m tests.faults.compose_restarts [--down SECONDS] [--only SERVICE...] [--no-build]

Each brings its own Kafka and PostgreSQL, but for ``polled_vendors``, which needs none (the last one the whole of
``docker-compose.yml``), tells what it does and what held, and exits with 1 if anything did not. The suite runs a short
form of each but the last (``test_faults.py``, marked ``fault``).
"""
