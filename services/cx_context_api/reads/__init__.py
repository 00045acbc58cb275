"""Run reads of the store: in time, in turn, now or at a moment of the past.

Modules:
``deadline`` bounds how long a read may take.
``turns`` shares the store's connections and the processor among tenants.
``processes`` answers heavy reads in child processes.
"""
