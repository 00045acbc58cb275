"""The guides' commands, run as they are written.

Modules: ``blocks`` (finds the blocks of commands in a page), ``shell`` (runs them, one after another), ``preparations``
(what a page assumes to be there).
"""
