"""Tell one customer's story over every channel, through the real adapters of a hub.

Modules: ``actors`` (stand-ins for the outside: a browser, a telephone company, a mail server, a social network, a CRM,
an agent's desktop), ``bot`` (the company's bot in the chat), ``cast`` (the people and their ids), ``story`` (the
steps), ``stranger`` (somebody else with the customer's address), ``bot_steps`` (what the bot says, and how it hands
over), ``ai_agent`` (a client of the Model Context Protocol, with a script for a model), ``ai_agent_steps`` (what it is
told and does), ``stage`` (prints the steps and checks what must hold), ``run`` (starts the hub for it)."""
