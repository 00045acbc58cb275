"""The recipes of ``docs/recipes``, run as a reader copies them, between a real hub and stand-ins of the vendors.

Each stand-in sends what the vendor documents, gives up when the vendor does, and takes only answers of the documented
form.

Modules: ``story`` (a hub with a customer who wrote before), ``lambdas`` (Amazon Connect), ``data_actions`` (Genesys
Cloud), ``studio`` (Twilio's Functions and Studio), ``gateway`` (Asterisk's AGI), ``rasa_engine`` (Rasa and its SDK),
``dialogflow`` (ES and CX), ``latency`` (a command: how long a step takes).
"""
