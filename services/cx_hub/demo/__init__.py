"""One customer's story over every channel, through the real adapters of a hub in this process.

Rooms: ``actors`` (what stands outside: a browser, a telephone company, a mail server, a social network, a CRM, an
agent's desktop), ``cast`` (who takes part), ``story`` (what happens), ``stranger`` (somebody else with the customer's
address), ``stage`` (how it is told, and what had to hold), ``run`` (the hub for it).
"""
