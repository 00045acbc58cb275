"""Filter records as people write it: ``type=cx.message.* and not tenant=acme``.

    wanted = compile_filter("type=cx.message.* and data.channel in (voice, chat)", INTERACTIONS)   # BadFilter
    wanted.matches(record)

A comparison is FIELD, operator, value: ``=`` and ``!=`` (with ``*`` in the value: a pattern), ``in (a, b)`` and ``not
in``, and for times and numbers ``<``, ``<=``, ``>``, ``>=``. ``not``, ``and``, ``or`` bind in this order; parentheses
change it. Quotes as in a shell: ``data.topic="late "*``. ``FIELD=*`` asks for any value. A field whose path goes
through lists has several values: a comparison holds for one of them at least, ``!=`` and ``not in`` for none.

A filter becomes JSONLogic; of a record only what the rule reads is decoded. Pure.

Modules: ``compiled`` (the door: a text becomes a filter), ``words``, ``parsing`` and ``syntax`` (text to expression),
``rendering`` (and back), ``fields`` (which there are), ``checking`` (an expression becomes a condition), ``conditions``
(with their plain evaluation), ``jsonlogic`` (conditions as rules), ``extraction`` (a record's values).
"""

from cx_events.filters.compiled import Filter, compile_filter
from cx_events.filters.syntax import BadFilter

__all__ = ["BadFilter", "Filter", "compile_filter"]
