"""Find the customer that somebody names on the command line, for every command that takes one.

    text -> readings, likeliest first -> the first that somebody is known by -> the customer's id

Modules: ``readings`` (what a text may mean; pure), ``over_http`` (asked of a running hub), ``in_store`` (looked up in
the store, for commands that work without a hub), ``candidates`` (the sentence that tells who else may be meant).
"""
