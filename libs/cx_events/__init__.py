"""The language of Throughline: what an event is, how it is named, written, read, logged and kept.

Rooms: ``envelope`` (shapes), ``types/`` and ``catalogue`` (which event types there are), ``codec`` (bytes to events
and back, the only place that does), ``upcasts`` (old versions), ``strict_json`` (anything that comes from outside),
``ids``, ``identifiers``, ``facts`` (an event's place: order, stream, interaction), ``stamp`` (intake's last step),
``dead_letters``, ``log/`` and ``blob/`` (ports and implementations), ``testing/`` (builders and contract suites).
"""
