"""Make running services from settings: the one composition root.

    async with running_hub(settings, tenants) as hub:
        await hub.supervisor.stopping.wait()

Modules: ``root`` (makes everything and hands it on), ``hub`` (what runs), and a module for each group of services:
``channels``, ``vendor_keys``, ``pollers``, ``media``, ``intake`` (of these), ``projectors``, ``api``,
``desktop``, ``http``, ``subscriptions``.
"""

from cx_hub.compose.hub import SERVICES, Hub, Service
from cx_hub.compose.root import running_hub

__all__ = ["SERVICES", "Hub", "Service", "running_hub"]
