"""Archive the log: a folder with the records of whole topics as JSON lines, and the blobs that they name.

    archive = ArchiveLog(folder); await archive.start()      # a log that is read as any other, and takes no records

    FOLDER/manifest.json                                     what is in it: segments with their digests, ends, tenants
    FOLDER/segments/TOPIC/PARTITION/FIRST_OFFSET.jsonl       a record on each line
    FOLDER/blobs/...                                         as ``cx_events.blob.folder`` keeps them

Keys, bytes, offsets and times of the records are those of the log that was exported. The manifest is replaced in one
step when a segment is complete, so an export that broke off leaves an archive of what it had finished, and another one
goes on there.

    log = ArchivedLog(log, folder)                           # what a log no longer holds is read from its archive

Modules: ``lines`` (a record as a line), ``manifest`` (what is in an archive), ``sealed_files`` (files that carry their
digest), ``log`` and ``reader`` (reading it as a log), ``archived_log`` (it and the log as one). Beside it: ``parquet``
with ``rows`` (records in one Parquet file, where the extra is installed: ``parquet_extra``).
"""

from cx_events.archive.archived_log import ArchivedLog
from cx_events.archive.log import ArchiveLog
from cx_events.archive.manifest import Manifest, Segment

__all__ = ["ArchiveLog", "ArchivedLog", "Manifest", "Segment"]
