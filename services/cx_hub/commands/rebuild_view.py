"""Print plans, states and reports of rebuilds for people."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.console import Console

from cx_context.fold_version import FOLD_VERSION
from cx_events.json_types import Json
from cx_hub.output import Format, show
from cx_ops.rebuild.control import Status
from cx_ops.rebuild.customers import CustomersReport
from cx_ops.rebuild.fold_state import FoldState
from cx_ops.rebuild.plan import Plan
from cx_ops.rebuild.record import Difference, RowDifference

_ORDER = " (no fault: the order of arrival, or lists that are behind)"
"""Of a table that is counted alone (``cx_ops.rebuild.table_counts``)."""


def show_plan(plan: Plan, output: Format) -> None:
    def tell(out: Console) -> None:
        out.print(
            f"{plan.events} records to apply: about {plan.seconds:.0f} s at {plan.rate:.0f} a second; "
            f"{plan.bytes / (1 << 20):.0f} MB more on the store's disk"
        )
        for sentence in plan.locks:
            out.print(sentence, markup=False)

    show(msgspec.to_builtins(plan), output, tell)


def show_status(found: Status | None, folds: FoldState, output: Format) -> None:
    """Print how the latest rebuild is, and which code made the parts that readers see."""
    told: Json = {"fold": {"current": FOLD_VERSION, "stored": list(folds.stored), "outdated": folds.is_outdated}}
    if found is None:
        told = {"phase": None, **told}
    else:
        told = {"phase": found.phase, "owner": found.owner, "wanted": found.wanted, **told}
        told |= msgspec.to_builtins(found.record)

    def tell(out: Console) -> None:
        if found is None:
            out.print("nothing was ever rebuilt here")
        else:
            _tell_status(out, found)
        out.print(folds.told(), markup=False)

    show(told, output, tell)


def _tell_status(out: Console, found: Status) -> None:
    record = found.record
    works = f", {found.owner} works on it" if found.owner else ""
    asked = f", asked to {found.wanted}" if found.wanted else ""
    out.print(f"{found.phase} since {record.started}{works}{asked}", markup=False)
    if record.events:
        out.print(f"{record.applied} of {record.events} records applied, {record.rate:.0f} a second")
    if (report := record.report) is not None:
        out.print(f"{report.customers} customers compared at {report.at}, {report.differing} differ")
        _tell_differences(out, report.first)
        for table in report.tables:
            if table.differing or table.live != table.rebuilt:
                differ = _ORDER if table.differing is None else f", {table.differing} rows differ"
                out.print(f"  table {table.table}: {table.live} rows, rebuilt {table.rebuilt}{differ}", markup=False)
                _tell_rows(out, table.first)
    for act in record.acts:
        out.print(f"  {act.at} {act.what} by {act.who}{f': {act.why}' if act.why else ''}", markup=False)


def _tell_rows(out: Console, rows: Sequence[RowDifference]) -> None:
    for row in rows:
        whose = f"{row.tenant} {row.customer}" if row.customer else row.tenant
        events = f"; {', '.join(row.events)}" if row.events else ""
        out.print(f"    {whose}, {row.key}: {', '.join(row.columns) or 'in one of them only'}{events}", markup=False)


def _tell_differences(out: Console, differences: Sequence[Difference]) -> None:
    for one in differences:
        events = f"; {', '.join(one.events)}" if one.events else ""
        out.print(f"  {one.tenant} {one.customer}: {', '.join(one.paths) or '/'}{events}", markup=False)


def show_customers(report: CustomersReport, output: Format) -> None:
    def tell(out: Console) -> None:
        out.print(f"{report.customers} customers compared, of {report.events} events: {report.differing} differ")
        _tell_differences(out, report.first)
        if report.parts:
            done = "were made anew" if report.written else "differ, and are as they were: leave --review out"
            out.print(f"parts of {report.parts} sides of interactions {done}")

    show(msgspec.to_builtins(report), output, tell)
