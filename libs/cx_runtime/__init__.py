"""THE PLUMBING: settings and the tenants' configuration, logging, metrics, health, service lifecycles.

Rooms: ``settings`` (the only place that reads the environment), ``tenants`` (the YAML of CX_CONFIG, checked),
``logs`` (structlog), ``metrics`` (Prometheus registry and names), ``health`` (progress, not liveness).
"""
