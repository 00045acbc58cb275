"""Look after dead letters: group them like issues, try them again, or discard them with a reason.

    groups = await find_groups(store, LetterFilter(state="failed"))
    async for letters in select(store, Selection(LetterFilter(), group=groups[0].id)): ...

A bulk act goes through the letters in pages, each with a bounded number of statements and one append, and may be begun
again at any time: what was done is not selected any more. Each act is an event on the log that says who and why.

Modules: ``fingerprints`` tells which dead letters are alike; ``groups`` counts them so; ``selection`` reads those that
an act is about; ``retrying`` tries them again; ``discarding`` discards them; ``audit`` makes an act's event;
``acts`` carries an act out, page by page.
"""
