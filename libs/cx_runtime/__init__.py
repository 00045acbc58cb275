"""Provide the common base of all services: settings, tenants, limits, HTTP, health, metrics and logs.

Modules:

- configuration: ``settings`` (the only module that reads the environment), ``setting_names`` (misspelt ones),
  ``tenants`` with ``subscription_config``, ``correlation_config``, ``directory_config`` (agents and queues),
  ``durations``,
  ``tenant_secrets``, ``configuration_variables`` and ``configuration_errors`` (the YAML of ``CX_CONFIG``, checked),
  ``topics`` (declarations of topics, those of ``CX_TOPICS`` included), ``page_origins`` (of a tenant's pages);
- limits: ``shares`` (fair shares of a pool), ``in_flight`` (requests, sockets and bytes under way), ``load_shedding``
  (refusals before a body is read), ``rates`` (token buckets) and ``tenant_rates``, ``attempt_limits`` (wrong codes),
  ``fair_queue`` (turns for long work), ``cpu_time`` (what work costs the event loop), ``deadline`` (waiting with a
  bound), ``patience`` (waiting for a part that is away), ``answer_deadline`` (how long a request waits for store or
  log), ``addresses`` (the caller behind proxies);
- HTTP: ``authentication`` (keys and what they allow), ``http`` (bounded bodies), ``problems`` (RFC 9457),
  ``query_fields`` (queries read strictly), ``cursors`` (where a page ended, as opaque text),
  ``content_codings`` (what a client takes), ``fast_routes``, ``openapi`` (the document of a process),
  ``serve`` (uvicorn), ``whole_answers`` (head and body in one write), ``accept_queue`` (connections that wait while a
  server ends), ``cors`` (pages of other origins), ``sessions`` (cookies instead of keys);
- ``outbound`` (requests to addresses of a configuration: signed, bounded, never into private networks);
- operation: ``health`` (progress, not liveness), ``outages``, ``metrics`` (Prometheus) and their
  ``metric_catalogue``, ``logs`` (structlog), ``tracing`` and ``tracing_otlp`` (OpenTelemetry), ``open_tracing``,
  ``traced_append``;
- processes: ``owned_tasks`` (tasks whose end is noticed), ``child_processes`` (processes that can be killed), ``pace``
  (work held to a rate), ``thread_load`` (small work that gathers while there is no time to spare), ``priority``
  (processes that give way), ``gc_tuning`` (garbage collected seldom), ``release`` (the version of the code that runs).
"""
