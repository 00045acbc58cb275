"""Provide what vendors share whose events come by way of AWS. All is pure.

Modules: ``doors`` (who may send, and the answer), ``deliveries`` (the events in one request), ``sns`` (what a topic
posts, and its proof), ``reading`` (which queues and streams the hub reads itself), ``signing`` (its requests to AWS),
``identity`` and ``login`` (who asks), ``objects`` (what lies in S3).
"""
