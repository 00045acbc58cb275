"""Send requests to addresses that a configuration names: signed, bounded in time and bytes, and never into private
networks.

    async with open_sender(Reach.parse("10.1.0.0/16")) as sender:
        outcome = await sender.post(url, body, message_id(source, id), signatures)

Modules: ``sender`` (the request), ``fetcher`` (a document), ``files`` (a file that a request with credentials asks
for), ``outcomes`` (what came of it, by what to do next), ``urls`` (which URLs may be posted to), ``reach`` (which
addresses may be reached), ``connections`` (resolve once, check, connect to what was checked), ``signatures`` (Standard
Webhooks 1.0), ``retries`` (when to try again).
"""
