"""List all customers and conversations, and search them.

Modules: ``routes`` (requests), ``filters`` (what a request asks for), ``views`` (rows as JSON), ``found`` (what search
found, with where the words stand), ``freshness`` (how far lists are), ``overdue`` (by when waits are to be answered).
"""
