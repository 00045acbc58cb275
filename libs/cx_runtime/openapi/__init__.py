"""Put the OpenAPI 3.1 document of a process together: what each of its services describes.

Modules: ``operation`` (one operation, its answers and its problems), ``document`` (a service's description, and the
document of several), ``struct_schemas`` (schemas of msgspec structs as generators of clients
take them), ``process_routes`` (what every process has).
"""
