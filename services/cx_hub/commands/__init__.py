"""The command groups of ``cx``: a module each, with ``register(app)``."""
