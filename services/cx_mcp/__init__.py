"""Give AI agents the hub as tools, over the Model Context Protocol (https://modelcontextprotocol.io).

    arguments ─► tool ─► the hub's HTTP API, under the agent's own key ─► plain words, bounded, with their sources

The tools are clients of the public API, so its scopes, limits and refusals hold for them: a key with
``required_assurance`` reads nothing of a contact that is not assured enough. What an agent does becomes an event; each
call is a line in the log. Words of customers are shown as quoted data.

Modules: ``hub_api`` (the API as the tools call it), ``arguments`` (what each tool takes), ``customer_words`` (quotes
foreign text), ``plain_words`` (a context as a model reads it), ``answers`` (what a tool returns, refusals included),
``reading`` and ``acting`` (the tools), ``search`` (words in a customer's history), ``tools`` (their table),
``tool_caller``, ``server`` (the protocol, by the official SDK), ``http_endpoint`` (``/mcp``),
``openapi`` (describes it).
"""
