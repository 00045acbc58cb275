"""Ask vendors for what their webhooks did not bring, after an outage of ours or theirs.

A provider's folder has ``listing.py`` beside ``mapping.py``: it asks the vendor's lists and turns each object into the
request that the webhook would have been, so that the same mapping makes the same event of it. ``cx run pollers`` does
that by itself, for as long as nobody asked (decision 0088), and ``cx connections catch-up`` at once.

Modules: ``listing`` (the port), ``asking`` (a vendor's API, patient with limits and faults), ``known_events`` (what the
hub has already), ``fresh`` (what of a page it lacks), ``cursor`` (how far a connection was asked), ``source`` (the
poller), ``manual_run`` (what the command does).
"""
