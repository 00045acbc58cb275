"""Read what every request has in common, whatever it asks for.

Modules:
``admission`` checks the key, its scope and its rate.
``queries`` and ``bodies`` read a request strictly.
``acting_agents`` holds who acts in a session to who signed in.
``targets`` reads whose context is asked for: an id, an identifier or an interaction.
``tenancy`` holds the settings of each tenant that a read needs.
``responses`` makes routes and JSON answers.
"""
