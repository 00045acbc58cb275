"""State what the tables of lists and search must hold. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from sqlalchemy import Table

from cx_context.store import listing_tables, operations_tables
from cx_context.store.listing_queue import ID_BYTES, PHASES, ids_in
from cx_context.store.said_rows import words_rows
from cx_projectors.verify.comparison import Expectation, Row, by_key
from cx_projectors.verify.expected import Expected, Whole
from cx_projectors.verify.expected_lists import ExpectedLists


def customers(of: Expected) -> Expectation:
    """Require a row of every customer."""
    return _of_customers(listing_tables.LISTED_CUSTOMERS, of, lambda lists: lists.listed.customers)


def words(of: Expected) -> Expectation:
    """Require the words of every customer."""
    return _of_customers(listing_tables.CUSTOMER_WORDS, of, lambda lists: lists.listed.words)


def conversations(of: Expected) -> Expectation:
    """Require a row of every conversation."""
    return _of_customers(listing_tables.LISTED_CONVERSATIONS, of, lambda lists: lists.listed.conversations)


def under(of: Expected) -> Expectation:
    """Require what every conversation is listed under."""
    return _of_customers(listing_tables.LISTED_UNDER, of, lambda lists: lists.listed.under)


def waits(of: Expected) -> Expectation:
    """Require every wait of today. Whether one is over its queue's bound is what a clock saw, and not compared."""
    expectation = _of_customers(listing_tables.WAITS, of, lambda lists: lists.listed.waits)
    return replace(expectation, normal=lambda row: (*row[:-1], False))


def said(of: Expected) -> Expectation:
    """Require a row of every event that holds words."""
    rows = ((row.key, tenant, *row[1:]) for tenant, row in of.lists.said)
    table = listing_tables.SAID
    return Expectation(table, by_key([0], rows), of.lists.fault_of(table, "key"))


def said_words(of: Expected) -> Expectation:
    """Require the words of every event."""
    rows = (row for tenant, each in of.lists.said for row in words_rows(tenant, [each]))
    table = listing_tables.SAID_WORDS
    return Expectation(table, by_key([0, 1, 2, 3], rows), of.lists.fault_of(table, "key"))


def _of_customers(table: Table, of: Expected, rows: Callable[[ExpectedLists], Iterable[Row]]) -> Expectation:
    names = table.columns.keys()
    places = [names.index(column.name) for column in table.primary_key.columns]
    return Expectation(table, by_key(places, map(tuple, rows(of.lists))), of.lists.fault_of(table, "customer"))


def waiting(of: Whole) -> Expectation:
    """Check what is not written yet; which customers and events a batch changed depends on the batches."""

    def fault(row: Row) -> str | None:
        _id, tenant, since, *packed = row
        if tenant not in of.tenants:
            return None if tenant in of.unknown_tenants else "there is no such tenant"
        if not since >= 0 or any(len(each) % ID_BYTES for each in packed) or not any(packed):
            return "since is no time, or customers and events are no ids"
        ids = (id for each in packed for id in ids_in(each))
        return next((fault for id in ids if (fault := of.fault_of_id(id)) is not None), None)

    return Expectation(listing_tables.LISTING_WAITING, fault_of=fault)


def fills(of: Whole) -> Expectation:
    """Check the form alone: what is not filled yet is filled in time."""

    def fault(row: Row) -> str | None:
        if row[0] not in of.tenants and row[0] not in of.unknown_tenants:
            return "there is no such tenant"
        return None if row[2] in PHASES else f"there is no phase {row[2]}"

    return Expectation(listing_tables.LISTING_FILLS, fault_of=fault)


def lease(of: Whole) -> Expectation:
    """Check nothing: which process keeps the lists is no fact."""
    return Expectation(listing_tables.LISTING_LEASE, fault_of=lambda row: None)


def overdue_waits(of: Whole) -> Expectation:
    """Check nothing: what a clock saw is no fact."""
    return Expectation(operations_tables.OVERDUE_WAITS, fault_of=lambda row: None)


def overdue_lease(of: Whole) -> Expectation:
    """Check nothing: which process watches is no fact."""
    return Expectation(operations_tables.OVERDUE_LEASE, fault_of=lambda row: None)
