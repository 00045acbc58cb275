"""Recognise forwarded mail.

Outlook puts the same lines above what it forwards as above what it answers. The subject tells them apart, or a writer
who says "see below". The prefixes are those of Outlook, Gmail and Apple Mail in their languages ("List of email subject
abbreviations" of the English Wikipedia, and the tests of crisp-oss/email-forward-parser).
"""

from __future__ import annotations

import re

_MAX_SUBJECT = 200

_PREFIX = re.compile(r"([^\W\d_]{1,15}\.?)\s?(?:\[\d{1,3}\]|\(\d{1,3}\))?\s?[:：]\s?")
_FORWARDS = frozenset({
    "fw", "fwd", "wg", "tr", "rv", "enc", "pd", "vb", "vl", "i", "ilt", "i̇lt", "redir.", "redir", "videresend", "vs",
    "doorst", "fs", "továbbítás", "tov", "yml", "trs", "пер", "перес", "нп", "πρθ", "转发", "轉寄", "転送", "전달",
    "הועבר", "إعادة توجيه", "přepos", "prepos", "fs.", "rs", "weitergeleitet", "ct",
})  # fmt: skip
_LISTED = re.compile(r"\[[^\[\]]{1,60}\]")
"""A tag that a mailing list or a ticket system puts before the subject."""

_FINNISH = re.compile(r"^\W{0,4}(?:Lähettäjä|Vastaanottaja|Aihe)\s?:", re.MULTILINE)

_POINTS_BELOW = re.compile(
    r"\b(?:see|read|find|look(?: at| into)?|check|review|refer to|regarding|about|per)\b[^.!?\n]{0,60}"
    r"\b(?:below|beneath|underneath)\b"
    r"|\b(?:e-?mails?|messages?|conversation|correspondence|thread|order|invoice|reply|response|info\w{0,10}|details|one)"
    r" below\b|\bbelow (?:e-?mails?|messages?|conversation|correspondence|thread|is the|are the)"
    r"|\b(?:forwarding|i forward|forwarded)\b|\bfyi\b|\bfor your information\b"
    r"|\bunten\b|\b(?:unten|nach|unter)(?:stehend|folgend)\w{0,3}\b|\bleite\b[^.!?\n]{0,60}\bweiter\b|\bzur (?:info"
    r"|kenntnis)"
    r"|\bci-(?:dessous|après)\b|\bje (?:vous |te )?transfère\b|\bpour info"
    r"|\b(?:m[aá]s )?abajo\b|\bdebajo\b|\breenv[ií]o\b|\b(?:correo|mensaje|e-?mail) (?:a continuación|siguiente"
    r"|anterior)"
    r"|\bqui sotto\b|\bsotto(?:stante)?\b|\bin calce\b|\binoltro\b|\babaixo\b|\b(?:re)?encaminho\b"
    r"|\bhieronder\b|\bonderstaande?\b|\bzie onder\b|\bstuur\b[^.!?\n]{0,40}\bdoor\b"
    r"|\bponiżej\b|\bponiższ\w{1,3}\b|\bprzesyłam dalej\b|\bnedan(?:stående)?\b|\bneden(?:for|stående)\b"
    r"|\b(?:katso|ks\.?|viesti|oleva\w{0,3}) alla\b|\balla ole\w{1,6}\b|\bníže\b|\bnižšie\b|\balább\w{0,3}\b"
    r"|\bmai jos\b"
    r"|\başağıda\w{0,4}\b|\bниже\b|\bпересылаю\b|\bнижче\b|\bпересилаю\b|\bπαρακάτω\b|\bbên dưới\b|\bdưới đây\b"
    r"|\bdi bawah\b"
    r"|见下|見下|下面的(?:邮件|郵件)|以下(?:邮件|郵件|のメール)|转发|轉寄|下記(?:の)?メール|転送|아래|전달|أدناه|בהמשך|למטה|להלן",
    re.IGNORECASE,
)


def is_forwarded(subject: str, text: str = "") -> bool:
    """Return whether a subject begins as that of a forwarded mail: ``FW: Re: ...`` does, ``RE: FW: ...`` does not.

    ``text``: of the mail. ``VS:`` forwards in Danish and Norwegian, and answers in Finnish.
    """
    begin = subject[:_MAX_SUBJECT].strip()
    listed = _LISTED.match(begin)
    found = _PREFIX.match(begin if listed is None else begin[listed.end() :].lstrip())
    if found is None:
        return False
    word = found[1].lower()
    return word in _FORWARDS and not (word == "vs" and _FINNISH.search(text) is not None)


def is_plain(subject: str) -> bool:
    """Return whether a subject has words and no prefix such as ``Re:``, whatever the language: of a mail that answers
    and forwards nothing."""
    begin = subject[:_MAX_SUBJECT].strip()
    listed = _LISTED.match(begin)
    begin = begin if listed is None else begin[listed.end() :].lstrip()
    return bool(begin) and _PREFIX.match(begin) is None


def points_below(text: str) -> bool:
    """Return whether a writer speaks of what stands below: "see below", "please look into the mail below"."""
    return _POINTS_BELOW.search(text) is not None
