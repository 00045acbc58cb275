"""Read mails over IMAP as a client that changes nothing (RFC 9051, 3501, 2177).

Written anew rather than taken: every wait can be cancelled, every size is bounded by what was asked for, and there is
no way without TLS (docs/decisions/0080-streams-and-pollers.md).

Modules: ``responses`` (what a server says, pure), ``wire`` (lines and literals over TLS), ``session`` (commands),
``login`` (passwords and tokens), ``tokens`` (fetches OAuth tokens), ``names`` (folders' names and dates on the wire).
"""
