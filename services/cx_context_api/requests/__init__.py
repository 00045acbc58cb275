"""What every request has in common, whatever it asks for.

    admission         who asks, and whether they may
    queries, bodies   what it may say, read strictly
    targets           whom it asks for: an id, an identifier, an interaction
    tenancy           whose it is, and what answering needs to know of them
    cursors           where a page ended
    patience          an answer in time, or 503
    answers           a plain route, answers in JSON

Nothing here knows the rooms that answer.
"""
