"""Browse the log over HTTP: ``GET /v1/ops/log``."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from cx_context.store import Store
from cx_events.errors import Refused
from cx_events.filters import compile_filter
from cx_events.json_types import Json
from cx_events.log import INTERACTIONS, TOPICS, Log
from cx_events.timestamps import Micros
from cx_ops.http_routes.documented import SCOPE, OpsRoutes, add_route, json_response, parameter
from cx_ops.http_routes.queries import OpsQuery
from cx_ops.log_browsing.cursors import PagePlace, decode_cursor, encode_cursor
from cx_ops.log_browsing.customers import customer_test
from cx_ops.log_browsing.filters import RecordFilter, RecordTest
from cx_ops.log_browsing.pages import LogPage, PageLimits, read_page
from cx_ops.log_browsing.records import BrowsedRecord
from cx_ops.log_browsing.seeking import Seek
from cx_ops.log_browsing.views import Audience, Form, show_record
from cx_ops.log_browsing.walk import Order
from cx_runtime.authentication import caller
from cx_runtime.tenants import Tenants

MOST_RECORDS = 500
DEFAULT_RECORDS = 50
MOST_SCANNED = 50_000
MOST_SECONDS = 5.0
MOST_SIZE = 4 << 20
"""Bytes of the values on a page; a page of one record holds any."""

_MOST_OFFSET = 1 << 62
_ORDERS: tuple[Order, ...] = ("newest", "oldest")
_FORMS: tuple[Form, ...] = ("decoded", "raw", "line")
_FILTERS = ("key", "type", "interaction", "connection", "source", "id", "text", "stage", "reason")
_SEEKING = ("topic", "order", "partition", "offset", "since", "until", "cursor", "limit", "form", "customer", "where")

PARAMETERS = (
    parameter("topic", "The topic.", enum=list(TOPICS), default=INTERACTIONS, type="string"),
    parameter("order", "Newest or oldest record first, across partitions.", enum=list(_ORDERS), type="string"),
    parameter("partition", "This partition alone.", type="integer", minimum=0),
    parameter("offset", "Begin with this record of the partition.", type="integer", minimum=0),
    parameter("since", "Records stored then or later: RFC 3339, or a time ago like `10m`."),
    parameter("until", "Records stored before then: RFC 3339, or a time ago."),
    parameter("customer", "Events of this customer, by any id of it; or notifications about it."),
    parameter("type", "The beginning of the type, or a pattern with `*`."),
    parameter("interaction", "The interaction's own id."),
    parameter("connection", "What came by this connection."),
    parameter("source", "The event's `source`."),
    parameter("id", "The event's `id`."),
    parameter("key", "The record's key, as it is shown."),
    parameter("text", "Any text of the value contains this, whatever the case."),
    parameter("where", "A filter of the topic's records, like `type=cx.message.* and data.channel in (chat, sms)`."),
    parameter("stage", "The stage of a dead letter."),
    parameter("reason", "The reason of a dead letter."),
    parameter("form", "`decoded`; `raw`: the value as it lies on the log; `line`: one line for people.",
              enum=list(_FORMS), type="string"),
    parameter("limit", "Records of a page. Of one alone the value is shown whole.",
              type="integer", minimum=1, maximum=MOST_RECORDS, default=DEFAULT_RECORDS),
    parameter("cursor", "`next` of the page before."),
)  # fmt: skip


class LogRoutes:
    """Handles requests for the log's records. Each tenant's operators see what names their tenant."""

    def __init__(self, log: Log, store: Store, tenants: Tenants) -> None:
        self._log = log
        self._store = store
        self._tenants = tenants

    def add_to(self, routes: OpsRoutes) -> None:
        summary = "Records of a topic, newest first across partitions"
        add_route(
            routes, "GET", "/log", self.records, "browse_log", summary, "LogPage", PARAMETERS, problems=(404, 422)
        )

    async def records(self, request: Request) -> Response:
        tenant = caller(request.headers, self._tenants, SCOPE).tenant
        query = OpsQuery(request.scope["query_string"], *_SEEKING, *_FILTERS)
        topic = query.text("topic") or INTERACTIONS
        order = query.choice("order", _ORDERS, "newest")
        seek = _seek(query, topic, order)
        most = query.number("limit", 1, MOST_RECORDS) or DEFAULT_RECORDS
        wanted, is_filtered = await self._test(query, tenant, topic)
        limits = PageLimits(most, MOST_SCANNED, MOST_SIZE, MOST_SECONDS)
        page = await read_page(self._log, topic, seek, wanted, limits, is_filtered=is_filtered)
        form = query.choice("form", _FORMS, "decoded")
        audience = self._audience(tenant)
        items = [show_record(each, form, audience, whole=most == 1) for each in page.records]
        return json_response(_answer(page, items, topic, order))

    async def _test(self, query: OpsQuery, tenant: str, topic: str) -> tuple[RecordTest, bool]:
        """Return the test of a record, and whether it may leave out much."""
        audience = self._audience(tenant)
        where = query.text("where")
        compiled = compile_filter(where, topic) if where else None
        wanted = RecordFilter(**{name: query.text(name) for name in _FILTERS}, where=compiled)
        customer = query.text("customer")
        several = not audience.is_only
        if not customer:
            return lambda record: audience.sees(record, wanted), several or wanted != RecordFilter()
        theirs = await customer_test(self._store, {tenant: self._tenants.ids(tenant)}, topic, customer)

        def matches(record: BrowsedRecord) -> bool:
            return audience.owns(record.tenant) and wanted.matches(record) and theirs(record)

        return matches, True

    def _audience(self, tenant: str) -> Audience:
        return Audience(tenant, is_only=len(self._tenants.by_name) == 1)


def _seek(query: OpsQuery, topic: str, order: Order) -> Seek:
    if topic not in TOPICS:
        raise Refused("unknown-topic", f"there is no topic {topic[:64]!r}; the topics are {', '.join(TOPICS)}", 404)
    cursor = query.text("cursor")
    return Seek(
        order=order,
        partition=query.number("partition", 0, 1 << 30),
        offset=query.number("offset", 0, _MOST_OFFSET),
        since=_ms(query.moment("since")),
        until=_ms(query.moment("until")),
        places=decode_cursor(cursor, topic, order) if cursor else None,
    )


def _ms(at: Micros | None) -> int | None:
    return None if at is None else at // 1000


def _answer(page: LogPage, items: list[Json], topic: str, order: Order) -> Json:
    """Return the page. ``next`` is null at the oldest record; newer ones may always come. ``at_end``: the range has no
    more records; a short page without it ended for what it cost."""
    following = None if page.is_last and order == "newest" else encode_cursor(PagePlace(topic, order, page.places))
    return {"items": items, "next": following, "scanned": page.scanned, "at_end": page.is_last}
