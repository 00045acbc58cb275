"""Fetch the files that events name by their provider's addresses, and store them: a fact of its own tells of each.

Intake asks no network. Here the log is read for references of connections with ``settings.media``, each is fetched as
the provider's ``MediaSource`` says, put into the blob store, and told by ``cx.media.stored.v1``.

Modules: ``references`` (what an event names), ``fetching`` (one file, from reference to content, and tokens for it),
``storing`` (from content to the event), ``waiting`` (what is still to be fetched: the cursor), ``worker`` (reads on and
fetches).
"""
