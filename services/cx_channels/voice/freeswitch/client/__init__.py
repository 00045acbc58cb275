"""A client of the event socket (freeswitch-docs, docs/integration/event-socket.mdx).

Modules: ``wire`` (frames over TCP).
"""
