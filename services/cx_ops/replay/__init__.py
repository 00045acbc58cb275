"""Replay stored records: send them once more, to another topic, an HTTP endpoint or a file.

    selection = await select(log, asked, test)              # Refused: nothing is touched before all is checked
    run = Replay(log, selection, target, states, state); await run.run()

Records keep their ids and bytes, but for the member ``replayid`` that tells a replay's copy from the original. They go
out by the time at which the log took them, in order within every partition. A run's state is a file below ``CX_HOME``,
so that a killed run goes on: a file then has every record once, a topic or an endpoint each at least once.

Modules: ``asked`` (what an operator asks for), ``selection`` (which records), ``plan`` (what a run would do),
``state`` (how far it is, kept in a file), ``run`` (the work) with ``pacing``; ``marking`` (the member ``replayid``);
``targets`` (where to, and what is refused), ``file_target`` and ``parquet_target`` (over ``part_file``),
``topic_target`` and ``http_target``; ``acts`` (what operators do, on the command line or over HTTP).
"""
