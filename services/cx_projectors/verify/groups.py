"""Sort what lies on a log into groups that have nothing to do with each other, and groups into buckets. Pure.

Whatever may join two customers, or give one's events to another, makes one group of them: an edge of any weight,
refused or not; an interaction; a decision and what it withdraws. So the definition of all events is that of each group
by itself, but for the rules in force, which are the tenant's.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from hashlib import blake2b

from cx_events.ids import IdSpace, NodeId
from cx_identity.attribution import Attribution
from cx_identity.model import Decision, event_name
from cx_projectors.classify import ClassifiedEvent


def nodes_of(event: ClassifiedEvent, ids: IdSpace) -> list[bytes]:
    """Return what an event has to do with: its own key first, then ids of streams, interactions, parts, profiles and
    decisions. The tenant's own stream ties nobody."""
    fact = event.fact
    nodes = [fact.key, fact.stream_id, fact.interaction_node, fact.part_id]
    if event.identifier is not None:
        nodes.append(event.profile_id)
    else:
        nodes += [profile.id for profile in event.links.profiles]
        for edge in event.links.edges:
            nodes += (edge.a, edge.b)
    decision = event.decision
    if decision is not None:
        nodes.append(_of_name(ids.tenant, event_name(decision.at)))
        if isinstance(decision, Attribution):
            nodes.append(decision.interaction)
            if decision.profile is not None:
                nodes.append(decision.profile)
        elif isinstance(decision, Decision):
            nodes += [node for node in (decision.a, decision.b) if node]
            if decision.withdraws:
                nodes.append(_of_name(ids.tenant, decision.withdraws))
    nobodys = ids.nobodys_nodes()
    return list(dict.fromkeys(node for node in nodes if node not in nobodys))


def _of_name(tenant: str, name: str) -> NodeId:
    """Return a node that stands for the decision of this name (``SOURCE#ID``)."""
    return blake2b(f"{tenant}\n{name}".encode(), digest_size=16).digest()


class Groups:
    """Nodes that were seen together, by union and find. Some 180 bytes of memory for each node."""

    def __init__(self) -> None:
        self._place: dict[bytes, int] = {}
        self._parent = array("q")
        self._events = array("q")
        self._buckets = array("q")
        self.events = 0

    def __contains__(self, node: bytes) -> bool:
        return node in self._place

    def add(self, nodes: Iterable[bytes]) -> None:
        """Add one event: all its nodes are of one group from now on."""
        places, parent = self._place, self._parent
        root = -1
        for node in nodes:
            place = places.get(node)
            if place is None:
                place = places[node] = len(parent)
                parent.append(place if root < 0 else root)
                self._events.append(0)
                if root < 0:
                    root = place
                continue
            found = self._root(place)
            if root < 0:
                root = found
            elif found != root:
                parent[found] = root
                self._events[root] += self._events[found]
        if root >= 0:
            self._events[root] += 1
            self.events += 1

    def _root(self, place: int) -> int:
        parent = self._parent
        root = place
        while parent[root] != root:
            root = parent[root]
        while parent[place] != root:
            parent[place], place = root, parent[place]
        return root

    def are_one(self, node: bytes, other: bytes) -> bool:
        """Return whether two nodes that were added are of one group."""
        return self._root(self._place[node]) == self._root(self._place[other])

    def share_out(self, most: int) -> int:
        """Share the groups out among buckets of up to ``most`` events; a group of more has a bucket of its own. Return
        how many there are."""
        buckets = array("q", bytes(8 * len(self._parent)))
        count, room = 0, 0
        for place in range(len(self._parent)):
            if self._parent[place] == place:
                if self._events[place] > room:
                    count, room = count + 1, most
                room -= self._events[place]
                buckets[place] = count - 1
        self._buckets = buckets
        return count

    def bucket_of(self, node: bytes) -> int | None:
        """Return the bucket of a node, None for one that no event has to do with. Call ``share_out`` before."""
        place = self._place.get(node)
        return None if place is None else self._buckets[self._root(place)]
