"""Make the keys with which requests to AWS are signed: of a connection's own, of a role, of the hub's own identity.

The hub's own identity is what its surroundings give it: variables, a service account, a task, an instance. Only tenants
that the operator lists (``CX_AWS_TENANTS``) may use it; its addresses stand in no connection's settings.

Modules: ``keys`` (who gets which key, renewed before it ends), ``own`` (the hub's own identity), ``sts`` (roles that
are assumed), ``temporary`` (keys that end).
"""
