"""Read what mail servers report about mails that were sent: delivery, failure, delay, complaints and read receipts.

Modules: ``reports`` (machine-readable reports), ``bounces`` (failures in prose), ``refusals`` (list servers),
``reasons`` (status codes for phrases).
"""
