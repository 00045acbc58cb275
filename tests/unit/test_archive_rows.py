"""A record of the log as a row of a Parquet file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_events.archive.parquet import About, ParquetFile, batch_bytes, head, write_parquet
from cx_events.archive.rows import row_of
from cx_events.errors import Refused
from cx_events.log import CONTEXT_CHANGES, DEAD_LETTERS, INTERACTIONS, LogRecord
from cx_events.testing.builders import START, an_event


def record(value: bytes, topic: str = INTERACTIONS, offset: int = 7, key: bytes = b"k") -> LogRecord:
    return LogRecord(topic, 2, offset, key, value, 1_764_410_000_123)


def test_an_event_has_all_columns() -> None:
    event = an_event(id="m-1", email="ana@example.com", interaction="chat-1")
    value = event.raw[:-1] + b',"writer":"connection/acme-chat"}'
    row = row_of(record(value, key=event.key), "abc")
    assert (row.topic, row.partition, row.offset, row.logged_at) == (INTERACTIONS, 2, 7, 1_764_410_000_123_000)
    assert (row.id, row.source, row.type) == ("m-1", event.source, "cx.message.received.v1")
    assert (row.time, row.recorded_at, row.tenant) == (START, START, "acme")
    assert (row.stream, row.channel, row.interaction) == (event.key.decode(), "chat", "chat-1")
    assert (row.writer, row.connection, row.replay_id) == ("connection/acme-chat", "acme-chat", "abc")
    assert (row.key, row.value) == (event.key, value)


def test_dead_letters_and_changes_name_tenant_and_customer() -> None:
    letter = b'{"tenant":"acme","source":"s","id":"l-1","recorded":"2020-01-05T10:00:00Z"}'
    found = row_of(record(letter, DEAD_LETTERS), "abc")
    assert (found.tenant, found.id, found.recorded_at) == ("acme", "l-1", 1_578_218_400_000_000)
    change = row_of(record(b'{"tenant":"acme","customer":"0f"}', CONTEXT_CHANGES), "abc")
    assert (change.tenant, change.subject) == ("acme", "0f")


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x00 no event \xff",
        b'{"id":7}',
        b"[1]",
        b"[" * 100_000,
        b'{"id":"\\ud800"}',
        b'{"time":"yesterday"}',
        b'{"data":7}',
        b'{"data":{"channel":[]}}',
    ],
)
def test_what_is_no_event_is_kept_whole(value: bytes) -> None:
    row = row_of(record(value), "abc")
    assert (row.value, row.id, row.time, row.channel) == (value, None, None, None)
    assert batch_bytes([record(value)], "abc")


def written(folder: Path, records: list[LogRecord], *, group_rows: int = 3, at_once: int = 2) -> Path:
    stream, target = folder / "stream", folder / "rows.parquet"
    batches = [batch_bytes(records[at : at + at_once], "abc") for at in range(0, len(records), at_once)]
    stream.write_bytes(head() + b"".join(batches))
    about = About(id="abc", software="", topic=INTERACTIONS, records=len(records), begins={2: 7}, ends={2: 8})
    with target.open("w+b") as file:
        write_parquet(stream, file, about, group_rows)
    return target


_records = st.lists(
    st.builds(record, st.binary() | st.just(b'{"id":"1"}'), st.just(INTERACTIONS), st.integers(0, 1 << 62), st.binary())
)


@settings(max_examples=25, deadline=None)
@given(_records)
def test_a_file_gives_the_same_records_again(
    tmp_path_factory: pytest.TempPathFactory, records: list[LogRecord]
) -> None:
    file = ParquetFile(written(tmp_path_factory.mktemp("rows"), records))
    found = [each for some in file.records() for each in some]
    assert [each[:6] for each in found] == [each[:6] for each in records]
    assert file.about.records == len(records)


def test_a_full_disk_is_an_error_of_the_disk(tmp_path: Path) -> None:
    written(tmp_path, [record(b"x" * 2_000)] * 5)
    about = About(id="abc", software="", topic=INTERACTIONS, records=5, begins={}, ends={})
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="No space left"):  # noqa: PTH123
        write_parquet(tmp_path / "stream", full, about, 100)


def test_a_stream_that_is_damaged_is_no_file(tmp_path: Path) -> None:
    stream = tmp_path / "stream"
    stream.write_bytes((head() + batch_bytes([record(b"x")], "abc"))[:-40])
    about = About(id="abc", software="", topic=INTERACTIONS, records=1, begins={}, ends={})
    with (tmp_path / "rows.parquet").open("w+b") as file, pytest.raises(Refused, match="target-changed"):
        write_parquet(stream, file, about, 100)


@pytest.mark.parametrize("damage", ["cut off", "empty", "missing", "text", "another footer"])
def test_a_file_that_is_not_whole_is_refused(damage: str, tmp_path: Path) -> None:
    path = written(tmp_path, [record(b"x" * 500)] * 9)
    whole = path.read_bytes()
    made = {
        "cut off": whole[:-30],
        "empty": b"",
        "text": b'{"id":"m-1"}\n' * 9,
        "another footer": whole[:-8] + b"\xff\xff\xff\x7fPAR1",
    }
    path.unlink() if damage == "missing" else path.write_bytes(made[damage])
    with pytest.raises(Refused, match="no-such-file" if damage == "missing" else "damaged-file"):
        ParquetFile(path)


def test_bytes_that_were_changed_are_found(tmp_path: Path) -> None:
    """Whatever byte of the file is another one, it is refused before the library reads anything."""
    path = written(tmp_path, [record(b"a word of ana's", offset=at) for at in range(9)])
    whole = path.read_bytes()
    for at in range(0, len(whole), 11):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(Refused, match=r"damaged-file|other-format"):
            ParquetFile(path)


def test_another_parquet_file_is_refused(tmp_path: Path) -> None:
    from arro3.core import Array, DataType, RecordBatch
    from arro3.io import write_parquet as write_any

    path = tmp_path / "sales.parquet"
    write_any(RecordBatch.from_pydict({"sum": Array([1], type=DataType.int64())}), path)
    with pytest.raises(Refused, match="other-format"):
        ParquetFile(path)
