"""Rebuild what is made of the log while everybody goes on reading, prove what differs, exchange it, and take it back.

    plan -> fill -> compare -> exchange -> undo or drop

The shadow (``cx_context.store.shadow``) is filled by the projectors' own path and never gets ahead of the live store.
Both are compared customer by customer at equal offsets; then, with writers paused for the last stretch, tables change
places in one transaction. The replaced tables are the shadow from then on, so undoing is the same once more.

A few customers are rebuilt in place, from their stored events.

Modules: ``record`` (what is kept of a rebuild, as JSON in the table ``rebuilds``), ``control`` (what an operator may
ask in which phase), ``audit`` (the event that tells of it), ``ownership`` (one process works on it, by a lease),
``plan`` (how much there is to do), ``fold_state`` (whether it is due), ``comparison`` (customers) by ``bodies`` (what a
reader gets), ``table_counts`` (rows) with
``row_differences`` (whose they are), ``run`` (the steps). In place: ``selection`` (which customers), ``customers``
(the work).
"""
