"""REPAIR: what operators ask of a running hub.

Rooms: ``lag`` (how far each projector is behind), ``routes`` (that and the dead letters over HTTP, for keys with the
scope ``ops``).
"""
