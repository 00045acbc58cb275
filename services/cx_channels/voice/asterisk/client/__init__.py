"""Connect to a telephone system.

Modules: ``ami``, ``ari``, ``following`` (what both do with what they hear).
"""
