"""Run reads of the store: in turn, now or as of a moment of the past.

Modules:
``turns`` shares the store's connections and the processor among tenants.
``processes`` answers heavy reads in child processes.
``responses`` answers requests by reads, here or from such a process.
``time_bounds`` reads ``as_of`` and ``known_at`` of a request.
``point_in_time`` runs a read for today or for a moment of the past.
``meta`` makes the ``meta`` member that stands beside a body.
"""
