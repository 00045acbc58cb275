"""THE PLUMBING: settings and the tenants' configuration, logging, metrics, health, service lifecycles.

Rooms: ``settings`` (the only place that reads the environment), ``tenants`` (the YAML of CX_CONFIG, checked),
``shares`` (how much of a pool one of several may hold) with ``load``, ``door``, ``rates`` and ``tries`` at the doors,
``turns`` (for work that takes long) with ``metering`` (what work costs the event loop), ``addresses`` (who asks, behind
proxies), ``logs`` (structlog), ``metrics`` (Prometheus registry and names), ``health`` (progress, not liveness),
``children`` (processes that can be killed).
"""
