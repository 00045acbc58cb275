"""Tell all there is to know of one event: its bytes, where it lies and came from, who wrote it, and what it changed.

Modules: ``log_positions`` finds an event's record on the log; ``changes`` works out what the event changed, by the
store of now; ``page`` puts the page together.
"""
