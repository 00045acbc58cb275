"""Make rows of lists and search, about customers, conversations and words: pure functions of the same facts as
contexts.

Modules: ``words`` (folding, words, queries, highlights), ``customers`` (a customer as search shows them, and by which
words they are found), ``conversations`` (a row of a list, and what it is listed under), ``waits`` (its contacts whose
customer waits, by queue), ``naming`` (whose id a name is), ``said`` (the words of events).
"""
