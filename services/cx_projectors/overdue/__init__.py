"""Find the customers who wait longer than their queue allows, and tell it, each wait once.

Modules: ``bounds`` (how long customers may wait, by queue), ``notices`` (what is announced), ``watch`` (one process at
a time looks, by the time at which waits are due).
"""
