"""Write ``became`` of the named tables anew, or of all; print each that changed."""

from __future__ import annotations

import sys

from tests.readings.tables import Reading, Table, read_table, tables, write_table


def renewed(table: Table) -> list[str]:
    """Bring a table up to date; return what changed, for people."""
    known = {each.file: each for each in table.readings}
    told: list[str] = []
    table.readings = []
    for file in table.recordings():
        reading = known.get(file) or Reading(file)
        became = table.became(file)
        if became != reading.became:
            told += [f"{table.folder}/{file}", f"  must: {reading.must}", *(f"  became: {line}" for line in became)]
            reading.became = became
        table.readings.append(reading)
    return told


if __name__ == "__main__":
    for each in map(read_table, sys.argv[1:]) if sys.argv[1:] else tables():
        for line in renewed(each):
            print(line)
        write_table(each)
