"""Rebuild what is made of the log while everybody goes on reading, prove what differs, exchange it, and take it back.

    plan -> fill -> compare -> exchange -> undo or drop

The shadow (``cx_context.store.shadow``) is filled by the projectors' own path and never gets ahead of the live store.
Both are compared customer by customer at equal offsets; then, with writers paused for the last stretch, tables change
places in one transaction. The replaced tables are the shadow from then on, so undoing is the same once more.

Modules: ``record`` (what is kept of a rebuild, as JSON in the table ``rebuilds``), ``control`` (what an operator may
ask in which phase, and the audit of it), ``ownership`` (one process works on it, by a lease), ``plan`` (how much there
is to do), ``comparison`` (customers), ``table_counts`` (rows), ``run`` (the steps).
"""
