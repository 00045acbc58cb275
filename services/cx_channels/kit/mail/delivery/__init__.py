"""Read what mail servers report about sent mails: delivery, failure, delay, complaints and read receipts.

Modules: ``reports`` (machine-readable reports), ``bounces`` (failures in prose), ``bounce_recipients``,
``bounce_explanations`` and ``returned_mail`` (what a bounce says), ``refusals`` (list servers), ``ses_notices``
(Amazon's notices by mail), ``reasons`` (status codes for phrases).
"""
