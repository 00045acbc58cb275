"""Back up a whole hub whose log, store and blobs are files of this machine, while it runs; and restore it.

    FOLDER/manifest.json     what was backed up when, by which release; with the digest of the next
    FOLDER/files.jsonl       every other file with its bytes and digest
    FOLDER/store.db          copied first, so that it is never ahead of
    FOLDER/log.db
    FOLDER/blobs/...         copied last, so that all are there that the log names
    FOLDER/home/...          secrets that were made on first use: keys, id keys

Modules: ``parts`` (where the embedded files lie), ``manifest``, ``backing_up``, ``restoring``.
"""
