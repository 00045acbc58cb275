"""Receive mail over SMTP for the tenants' connections.

Modules: ``listener`` (the server), ``session`` (one client), ``data`` (the mail after DATA), ``delivery`` (a mail to
its connections), ``bounds`` (how much one address and one tenant may use), ``state`` (what the sessions share).
"""
