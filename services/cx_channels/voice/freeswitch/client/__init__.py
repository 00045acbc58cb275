"""Read the event socket as its client (freeswitch-docs, docs/integration/event-socket.mdx).

Modules: ``wire`` (frames over TCP).
"""
