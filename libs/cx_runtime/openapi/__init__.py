"""The OpenAPI 3.1 document of a process: what each of its services describes, put together.

Modules: ``operation`` (one operation, its answers and its problems), ``document`` (a service's description, and the
document of several), ``struct_schemas`` (schemas of msgspec structs as generators of clients
take them), ``process_routes`` (what every process has).
"""
