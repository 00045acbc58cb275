"""Keep lists and search up to date: what batches left is written as it is then, a customer once for many batches.

Modules: ``refresh`` (writes some customers and events), ``backlog`` (what waits, each tenant in its turn), ``worker``
(takes the lease, and writes at its pace, or all that waits in a rebuild's second set of tables).
"""
