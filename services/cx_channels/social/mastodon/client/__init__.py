"""Ask an account's server.

Modules: ``server`` (its API and its stream, bounded), ``beside`` (what a status names by numbers, asked for once).
"""
