"""Read queues of Amazon SQS and streams of Amazon Kinesis, for any provider whose events come that way.

Both speak AWS's JSON protocols over HTTPS. Modules: ``source`` (the source of a connection), ``api`` (one service,
asked with signed requests), ``queue`` (SQS), ``stream`` (Kinesis), ``aggregated`` (records that hold several),
``shards`` (which of a stream are read, and from where), ``cursor`` (how far each shard was read), ``delivery`` (what
came, as it is mapped).
"""
