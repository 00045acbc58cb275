"""WHO: profiles into customers.

    facts --links_of--> profiles and edges --resolve--> customers

A *profile* is one identifier. *Edges* between profiles have evidence; *decisions* by people outrank them; a *customer*
is a connected component, known by its least profile by (first recorded time, id). All of it is a function of the set of
facts: nothing depends on the order in which facts, edges or decisions are given, does I/O or asks the time.

Rooms: ``model`` (what there is), ``rules`` (a tenant's rules), ``facts`` (what one event says), ``sharing``
(identifiers of several people), ``decisions`` (which of them count), ``components`` (the definition, ``resolve``),
``groups`` (its working state), ``scope`` (how far a change can reach, so that only that part is resolved again),
``candidates`` (what a person should look at), ``merging`` (what a person's merge must name), ``attribution`` (events
that name nobody), ``explain`` (why it is so).
"""
