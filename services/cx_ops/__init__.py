"""REPAIR: what operators ask of a running hub.

Rooms: ``lag`` (how far each projector is behind), ``retrying`` (events that could not be folded, tried again),
``routes`` (these and the dead letters over HTTP, for keys with the scope ``ops``).
"""
