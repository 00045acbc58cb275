"""Move a hub: write its log with all blobs into an archive, and bring an archive, or another log, into a hub.

    manifest = await Export(log, blobs, folder, spaces).run()
    result = await Import(source, log, blobs, spaces, progress).run()

Records keep their bytes, so tenants, ids and recorded times; and their order within each key, whatever the number of
partitions is on either side. Contexts are the same bytes where each tenant has the same ``id_key``, and an import is
refused where it has another one.

Modules: ``exporting`` with ``segment_files`` (a log into an archive); ``importing`` (a log into a hub) with
``sources`` and ``parquet_source`` (what is imported) and ``import_progress`` (how far it is, beside the hub's files);
``record_tenants`` (whose a record is); ``id_keys`` (held against those of the records).
"""
