"""The operators' service: consumer lag and dead letters of a running hub.

Modules: ``lag`` (of each partition), ``retrying`` (a second try for events that could not be folded), ``routes`` (both
over HTTP, for keys with the scope ``ops``)."""
