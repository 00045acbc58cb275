"""Ask Reddit's API.

Modules: ``api`` (requests, within the limit of requests), ``refusals`` (what its errors ask for).
"""
