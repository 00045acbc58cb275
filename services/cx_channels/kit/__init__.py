"""What the mappings of several vendors need. A provider may import all of it; nothing here knows one of them.

All is pure: no I/O, no clock.

Modules: ``json_values`` (JSON of others, read without trust), ``ids`` (parts of event ids), ``times`` (times as vendors
write them), ``signing`` (HMACs, several secrets, ages), ``drafts`` (events), ``outcomes`` (what is no event),
``meta_envelope`` (deliveries of Meta's products), ``twilio_forms`` (fields of Twilio's requests), ``mail`` (what a mail
means, whoever brought it).
"""
