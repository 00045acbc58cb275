"""Ask YouTube's Data API.

Modules: ``api`` (requests), ``refusals`` (what its errors ask for), ``quota`` (units of a day).
"""
