"""Browse the log as it lies: any topic, newest or oldest record first across its partitions, by place, time or filter.

    page = await read_page(log, INTERACTIONS, Seek(order="newest"), RecordFilter(type="cx.message.*").matches)
    async for records in follow(log, INTERACTIONS, page.ends): ...

Reading moves nobody's offsets. Every read is bounded, in records returned, records looked at, bytes and seconds: a page
that ends early says so and has a cursor to go on from.

Modules: ``windows`` reads stretches of several partitions at once; ``walk`` merges them by the log's time, in either
direction; ``seeking`` finds where to begin; ``pages`` reads a page and follows what comes; ``cursors`` writes a place
in a topic as opaque text; ``records`` decodes a record and tells whose it is; ``filters`` picks records;
``customers`` picks those of one customer; ``views`` shows a record to programs, ``lines`` to people.
"""
