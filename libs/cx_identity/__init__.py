"""Decide who is who: join profiles into customers.

    facts --evidence.links_of--> profiles and edges --resolution.resolve--> customers

A *profile* is one identifier. *Edges* tie two profiles and have evidence. *Decisions* by people outrank edges. A
*customer* is a connected component; its id is its least profile by (first recorded time, id). Everything here is a pure
function of the set of facts: no order of arrival matters, no I/O is done and no clock is read.

Modules:

- ``model``: profiles, edges, decisions and the graph of them
- ``rules``: a tenant's rules of identity
- ``evidence``: read the profiles and edges that one event names
- ``decisions``: read a person's decision (merge, unmerge, attribution, dismissal, rules) from its event
- ``resolution``: decide identity: resolve a graph into cores and customers
- ``linking``: order the edges, and skip those that do not link
- ``guarded_groups``: groups of profiles that grow while guards refuse some edges
- ``outcome``: what a resolution returns: customers, refusals, candidates, the status of decisions
- ``merge``: choose the profiles that a merge of two customers must name, and find what stands against it
- ``unmerge``: undo a merge: find the decisions that a later event withdraws
- ``attribution``: find whose an event is that names no identifier
- ``shared_identifiers``: find identifiers of several people, which link nobody
- ``candidates``: list identifiers in doubt for a person to decide about
- ``candidate_ranking``: rank the customers that an identifier in doubt may belong to
- ``affected_scope``: find the part of the graph that a change can reach, to resolve only that again
- ``change_cases``: tell what is new as a whole, and is resolved without reading, from what reaches further
- ``graph_slice``: what a store reads of the graph for that
- ``first_mentions``: when a profile or an edge was first known, at any past time
- ``explanation``: explain a customer's identity: every profile, edge and decision with its state
- ``rule_preview``: compare two sets of rules on the same facts
- ``rule_preview_json``: write that comparison as JSON
"""
