"""Provide what the mappings of several vendors need. A provider may import all of it; nothing here knows one of them.

All is pure: no I/O, no clock.

Modules: ``json_values`` (JSON of others, read without trust), ``ids`` (parts of event ids), ``forms`` (form bodies),
``form_parts`` (forms with files and bytes), ``basic_credentials`` (a name and a password in a vendor's URL),
``times`` (times as vendors write them), ``signing`` (HMACs, several secrets, ages), ``drafts`` (events), ``agents``
(who is out of a contact), ``outcomes`` (what is no event), ``meta_envelope`` and ``meta_signature`` (Meta's products),
``twilio_forms``, ``twilio_products``,
``twilio_signature`` and ``twilio_shared_keys`` (Twilio's products), ``whatsapp`` (WhatsApp's notices), ``mail`` (what a
mail means, whoever brought it), ``aws`` (how AWS brings events), ``vonage_signature`` (Vonage's products),
``rs256_tokens`` (tokens signed by RSA keys), ``example_keys`` (for trials), ``key_documents`` (keys that
owners publish), ``declaration`` (mappings that tenants declare), ``number_lists`` (the numbers that a setting lists),
``safe_xml`` (XML of others), ``settings`` (a connection's settings), ``cursors`` (what streams and pollers stored),
``sent_secret`` (secrets in ``Authorization``), ``bot_trails`` (what bots understood and learned), ``listed`` (requests
made of what was listed), ``catch_up_settings`` (how often it is asked for), ``twilio_lists`` (Twilio's lists),
``media`` (how files are asked for), ``twilio_media``, ``vonage_media``, ``authorization`` (how the hub logs in),
``geo_locations`` (places that somebody shares), ``same_call`` (another system's id of a call).
"""
