"""Receive mail over SMTP for the tenants' connections.

Modules: ``listener`` (the server and its sessions), ``bounds`` (how much one address and one tenant may use).
"""
