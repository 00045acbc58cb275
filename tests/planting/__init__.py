"""Differences between a log and a store, planted one at a time in small hubs on real parts, for ``cx verify`` to find.

Modules: ``histories`` (a random history with something for every table), ``hubs`` (a log, a store and blobs that such a
history went through), ``rows`` (rows read, put and dropped), ``differences`` (a kind of difference), ``in_store``
and ``on_log`` (the kinds there are), ``kinds`` (all of them), ``trials`` (one of them planted, and what was found).
"""
