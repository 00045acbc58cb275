"""Who wrote a mail: a person, or a machine of which kind.

RFC 3834 (Auto-Submitted) is what senders should say; the other fields and the subjects are what they do say.
"""

from __future__ import annotations

import re

from cx_channels.mail.headers import Headers

AUTO_REPLY, LIST, REPORT, BOUNCE = "auto-reply", "list", "report", "bounce"

_REPLY_FIELDS = (
    "x-autoreply", "x-autorespond", "x-autoresponder", "x-autoreply-from", "x-mail-autoreply", "x-auto-reply-from",
    "x-vacation", "x-auto-reply",
)  # fmt: skip
_LIST_FIELDS = ("list-id", "list-post", "list-unsubscribe", "mailing-list", "x-mailing-list", "x-mailinglist")
_REPLY_SUBJECT = re.compile(
    r"\s*(?:re:\s*)?(?:auto(?:mat(?:ic|ed|ische?|iskt?|yczna))?[ -]?(?:reply|response|antwort|svar|odpowied[zź])\b"
    r"|auto:|autoreply\b|\[auto[ -]?reply\]|out of (?:the )?office\b|ooo:|vacation (?:reply|notice|message)"
    r"|away (?:from|until)\b|abwesenheits?(?:notiz|nachricht|benachrichtigung|meldung)?\b"
    r"|réponse automatique|absence du bureau|respuesta automática|fuera de la oficina|resposta automática"
    r"|risposta automatica|fuori sede|afwezig|automatisch antwoord|frånvaro|自动回复|自動返信|自動応答|автоответ"
    # as Exchange says it in the languages of its users
    r"|automaattinen vastaus|odpowiedź automatyczna|automatická odpov[eě]ď|automatikus válasz"
    r"|otomatik yanıt|răspuns automat|automatski odgovor|автоматический ответ|автоматична відповідь"
    r"|автоматичен отговор|αυτόματη απάντηση|自动答复|自動回覆|자동 회신|מענה אוטומטי|رد تلقائي|ตอบกลับอัตโนมัติ"
    r"|trả lời tự động|balasan otomatis|resposta automàtica|fuera de oficina|fora do escritório|fuori ufficio)",
    re.IGNORECASE,
)

_COMMENT = re.compile(r"\([^()]*\)")


def automatic(headers: Headers) -> str:
    """``auto-reply``, ``list`` or ``report``; "" for a mail that a person wrote."""
    submitted = _COMMENT.sub("", headers.raw("auto-submitted").lower()).partition(";")[0].strip(" \t\"'")
    precedence = headers.raw("precedence").lower().strip()
    if (
        submitted.startswith("auto-replied")
        or precedence.replace("-", "_") == "auto_reply"
        or any(name in headers for name in _REPLY_FIELDS)
        or "autoresponder" in headers.raw("x-post-messageclass").lower()
        or headers.raw("delivered-to").lower() == "autoresponder"
        or _REPLY_SUBJECT.match(headers.text("subject"))
    ):
        return AUTO_REPLY
    if precedence == "list" or any(name in headers for name in _LIST_FIELDS):
        return LIST
    if (
        (submitted and submitted != "no")
        or precedence in ("bulk", "junk")
        or "all" in headers.raw("x-auto-response-suppress").lower()
        or headers.raw("return-path") == "<>"
    ):
        return REPORT
    return ""
