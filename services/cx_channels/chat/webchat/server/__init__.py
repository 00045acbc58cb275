"""Serve the web chat: visitors' sockets, the files that they send, and the script for pages.

Modules: ``routes`` (the HTTP routes and the socket's), ``chat_sessions`` (a visitor's socket from handshake to end),
``visitor_acts`` (does what a visitor asks), ``chat_socket`` (reads from it, and queues what goes to it),
``upload_routes`` (files), ``chat_log`` (writes what visitors do onto the log), ``deliveries`` (brings what agents write
to the open sockets), ``typing`` (who types, both ways), ``limits``, ``openapi`` (describes the HTTP routes).
"""

from cx_channels.chat.webchat.server.routes import ChatServer, open_server

__all__ = ["ChatServer", "open_server"]
