"""Let browsers ask with a session's cookie instead of a key.

    sealer = SessionSealer(tenants)
    cookie = sealer.seal(session)                            # at sign-in (services/cx_desktop)
    app = SessionAuth(sealer, ended, ...).wrap(app)          # at every request

A session is sealed, not stored: the cookie says which key of which tenant it stands for, until when, and who the agent
is, encrypted and authenticated under a key that is derived from the tenant's lasting one. So every process of a hub
reads the cookies of all, also after a restart. Stored is only which sessions were signed out before their time. See
docs/decisions/0071-sessions.md.

Modules:
``sealing`` seals a session as the value of a cookie, opens it again, and makes its CSRF token.
``same_origin`` tells requests of the hub's own pages from those of others.
``session_auth`` exchanges the cookie of a request for the key that it stands for, inside of the process.
``acting_agents`` checks that acts and events of a session name no agent but who signed in.
"""
