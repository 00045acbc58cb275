"""Serve the operators' HTTP routes to keys with the scope ``ops``; each shows what is the key's tenant's.

Modules: ``router`` puts all routes together; ``log_routes`` browses the log; ``event_page_routes`` shows one event;
``letter_routes`` lists dead letters and tries them again; ``projector_routes`` shows how far projectors are behind;
``connection_routes`` shows what came last by each connection;
``rebuild_routes`` rebuilds; ``replay_routes`` sends records once more; ``subscription_routes`` shows and pauses
subscriptions; ``queries`` reads a query strictly; ``documented`` describes a route for OpenAPI, ``answers`` what it
answers.
"""
