"""Read raw MIME into a tree of parts, within limits and in linear time.

Modules: ``parse`` (a raw mail as a tree of parts), ``boundaries`` (where a multipart's parts lie), ``headers``
(header fields), ``addresses``, ``encoded_words`` and ``structured_fields`` (their values), ``transfer_encoding`` and
``lenient_base64`` (content decoded), ``charsets`` and ``japanese`` (bytes to text), ``cms``, ``tnef`` and ``rtf``
(signed messages, Outlook's winmail.dat and rich text), ``uuencoded`` (files in a text), ``encoded_blocks`` (text
without encoded or encrypted blocks), ``digest`` (identifies a mail's content).
"""
