"""Tell how projectors get on: of each partition who applies it, how far it is, how fast, and how that was for a day.

Modules: ``states`` (what lease, lag, samples and the worker's report mean; pure), ``reading`` (asks log
and store).
"""
