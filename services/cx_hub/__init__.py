"""ALL TOGETHER: the ``cx`` command, and the one-process composition of all services.

Rooms: ``cli`` (the command; one module per group under ``commands/``), ``compose`` (the one composition root: settings
to running services), ``supervise`` (tasks that must not die quietly), ``demo/`` (one customer's story over every
channel), ``stack/`` (a real Kafka and PostgreSQL without Docker).
"""
