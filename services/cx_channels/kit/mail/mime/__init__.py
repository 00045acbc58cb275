"""Read raw MIME into a tree of parts, within limits and in linear time.

Modules:

- ``parse``: a raw mail as a tree of parts; ``headers``: their fields; ``boundaries``: where a multipart's parts lie.
- ``transfer_encoding`` and ``lenient_base64``: content decoded from its transfer encoding; ``charsets`` and
  ``japanese``: bytes decoded to text.
- ``cms``, ``tnef`` and ``rtf``: signed messages, Outlook's winmail.dat, and the rich text in it.
- ``encoded_blocks``: text without encoded or encrypted blocks; ``digest``: a digest that identifies a mail's content.
"""
