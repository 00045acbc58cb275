"""Hold the topics as they are declared against those that the broker has, and bring them level.

Modules: ``plan`` (what differs, and what each difference asks for; pure), ``apply`` (says so on the log, then does it).
"""
