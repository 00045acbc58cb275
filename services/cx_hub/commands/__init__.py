"""Register the command groups of ``cx``: a module each, with ``register(app)``.

Modules:

- ``backups``: ``cx backup`` and ``cx restore``
- ``bench``
- ``config``
- ``connections`` with ``catching_up``
- ``customers``
- ``dead_letters``: ``cx dlq``
- ``demo``
- ``directory``
- ``events``
- ``identity``
- ``lists``: ``search`` and ``conversations``
- ``lag``
- ``log``
- ``mapping``: ``cx map``
- ``mcp``
- ``media``
- ``migrate``
- ``moving`` with ``vcons``: ``cx import`` and ``cx export``
- ``providers``: ``cx provider``
- ``rebuild`` with ``rebuild_view``
- ``replay``
- ``services``: ``cx up`` and ``cx run``
- ``size``
- ``stack``
- ``subscriptions``
- ``testing``: ``cx test``
- ``topics``
- ``verify``
"""
