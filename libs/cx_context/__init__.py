"""THE ANSWER: one context per customer, as a sum of parts.

    facts --fold--> parts --combine--> contacts --thread--> conversations --finish--> body

There is a part for each stream, interaction and hour, and one for each decision about a contact.

A *part* holds only what combines in any order (sums, minima, maxima, last writers by key, the latest k): so an event
that comes late, or twice, or from another partition, is simply added; a merge of two customers adds nothing at all, it
combines other parts. ``definition`` states the whole as one pure function over the set of facts; ``store`` keeps it
incrementally and must give the same bytes.

Rooms: ``model`` (what a part is), ``fold`` (an event into a part), ``foldable`` (which events can be folded),
``combine`` (parts into one), ``contacts`` (parts into interactions and stretches of them), ``threading`` (contacts into
conversations: ``explicit`` what joins whenever it comes, ``lookback`` what is inferred), ``assurance`` and ``vouchers``
(how sure it is who is there), ``assured`` (what is left without claims), ``finish`` (the document),
``definition`` (all of it, from nothing), ``store/``.
"""
