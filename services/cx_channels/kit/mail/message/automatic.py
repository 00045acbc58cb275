"""Decide whether a machine wrote a mail, and whether a list or a bulk mailer distributed it.

Only a mail that states so counts as automatic: a customer whom nobody answers costs more than an automatic mail that an
agent closes. List and bulk fields say only how a mail was distributed: people write through Google Groups, answer in
the thread of a newsletter, or use a CRM that adds List-Unsubscribe.
"""

from __future__ import annotations

import re

from cx_channels.kit.mail.mime.addresses import split_comments
from cx_channels.kit.mail.mime.headers import Headers

AUTO_REPLY, REPORT, BOUNCE = "auto-reply", "report", "bounce"
LIST, BULK = "list", "bulk"

_NEGATED = frozenset({"no", "none", "n", "false", "f", "off", "0", "never", "disabled", "null"})

# Fields that auto-responders set, of any value but a negation: X-Autorespond and X-Autoreply-From repeat a subject or
# an address. Collected at github.com/jpmckinney/multi_mail/wiki/Detecting-autoresponders.
_REPLY_FIELDS = frozenset({
    "x-autoreply", "x-auto-reply", "x-mail-autoreply", "x-autoreply-from", "x-auto-reply-from", "x-autorespond",
    "x-autoresponder", "x-auto-response", "x-autoresponse", "x-vacation", "x-amazon-auto-reply",
})  # fmt: skip

# Fields by which software names its own notices: FirstClass, cron, Mailman, Amazon SNS.
_MACHINE_FIELDS = frozenset({"x-fc-machinegenerated", "x-cron-env", "x-list-administrivia", "x-amz-sns-message-id"})

_LIST_FIELDS = frozenset({
    "list-id", "list-post", "list-unsubscribe", "list-help", "list-subscribe", "list-owner", "list-archive",
    "mailing-list", "x-mailing-list", "x-mailinglist", "x-beenthere", "x-mailman-version",
})  # fmt: skip

# How Exchange and others begin an absence's subject, in the languages of their users.
_ABSENT = re.compile(
    r"\s*(?:re:\s*)?\[?(?:auto(?:mat(?:ic|ed|ische?|iskt?|yczna))?[ -]?(?:reply|response|antwort|svar|odpowied[zź])\b"
    r"|auto:|autoreply\b|out of (?:the )?office\b|ooo\b|vacation (?:reply|notice|message)"
    r"|away (?:from|until)\b|abwesenheits?(?:notiz|nachricht|benachrichtigung|meldung)?\b"
    r"|réponse automatique|absence du bureau|respuesta automática|fuera de la oficina|resposta automática"
    r"|risposta automatica|fuori sede|afwezig|automatisch antwoord|frånvaro|自动回复|自動返信|自動応答|автоответ"
    r"|automaattinen vastaus|odpowiedź automatyczna|automatická odpov[eě]ď|automatikus válasz"
    r"|otomatik yanıt|răspuns automat|automatski odgovor|автоматический ответ|автоматична відповідь"
    r"|автоматичен отговор|αυτόματη απάντηση|自动答复|自動回覆|자동 회신|מענה אוטומטי|رد تلقائي|ตอบกลับอัตโนมัติ"
    r"|automatinis atsakymas|automātisk[aā] atbilde|automaatvastus|samodejni odgovor|sjálfvirkt svar|svar automatiskt"
    r"|automatické odpověď|аутоматски одговор|erantzun automatikoa|balasan automatik|स्वचालित उत्तर"
    r"|abwesend|absence\b(?! of\b| de (?:r[eé]ponse|livraison|suite))"
    r"|odsotnost|i am (?:currently )?out of (?:the )?office"
    r"|trả lời tự động|balasan otomatis|resposta automàtica|fuera de oficina|fora do escritório"
    r"|fuori ufficio"
    r"|nicht im büro|absent(?:e)? du bureau|message d['’]absence|respuesta de ausencia|niet op kantoor|fravær"
    r"|ausente\b(?: (?:de|da|do|del|hasta|até|por)\b|\s*:)|ausência (?:temporária|do escritório)|poissa\b"
    r"|házon kívül"
    r"|assente\b(?: (?:da|dall['’]|fino|per)|\s*:)|ikke på kontoret|ej på kontoret|nieobecność|poza biurem"
    r"|mimo kancelář|nepřítomnost|nincs az irodában|otomatik cevap|ofis dışında|вне офиса|поза офісом"
    r"|отсутствие на рабо|εκτός γραφείου|外出(?:自动|自動|中)"
    r"|不在(?:办公室|辦公室|通知|のお知らせ|中)|休假(?:中|通知|自动)"
    r"|부재 ?중|자동 ?응답|תשובה אוטומטית|מחוץ למשרד|خارج المكتب"
    r"|on (?:vacation|leave|holiday)\b|(?:vacation|holiday):)",
    re.IGNORECASE,
)


def automatic(headers: Headers, envelope_from: str | None = None, *, reports: bool = False) -> str:
    """Return ``auto-reply`` or ``report`` for a mail that states that a machine wrote it, else "".

    ``envelope_from``: its sender in SMTP, None where nobody says. ``reports``: it is a report by its parts (RFC 6522).

    Of a mail that answers to nobody (``<>``, as RFC 5321, section 4.5.5, has it for what machines send back) a report
    or the subject of an absence tells the kind; neither counts beside the address of somebody who wrote.
    """
    names = headers.names
    submitted = _value(headers, "auto-submitted") if "auto-submitted" in names else ""
    if submitted.startswith("auto-replied") or _replies(headers, names):
        return AUTO_REPLY
    nobody = envelope_from == "<>" or ("return-path" in names and headers.raw("return-path") == "<>")
    is_submitted = bool(submitted) and submitted not in _NEGATED
    # Exchange calls its absences auto-generated, and keeps no Return-Path in mailboxes.
    if (nobody or is_submitted) and _ABSENT.match(headers.text("subject")):
        return AUTO_REPLY
    if is_submitted:
        return REPORT
    if any(_states(headers, name) for name in _MACHINE_FIELDS & names):
        return REPORT
    return REPORT if reports and (nobody or (not envelope_from and "return-path" not in names)) else ""


def _replies(headers: Headers, names: frozenset[str]) -> bool:
    return (
        any(_value(headers, name).replace("-", "_") == "auto_reply" for name in {"precedence", "preference"} & names)
        or any(_states(headers, name) for name in _REPLY_FIELDS & names)
        or ("x-post-messageclass" in names and "autoresponder" in headers.raw("x-post-messageclass").lower())
        or ("delivered-to" in names and headers.raw("delivered-to").lower() == "autoresponder")
        or ("x-autogenerated" in names and _value(headers, "x-autogenerated") == "reply")
    )


def _states(headers: Headers, name: str) -> bool:
    """Return whether a field has a value that is no negation."""
    return _value(headers, name) not in ("", *_NEGATED)


def _value(headers: Headers, name: str) -> str:
    """Return the word of a field, without comments, parameters and quotes, in lower case."""
    return split_comments(headers.raw(name).lower())[0].partition(";")[0].strip(" \t\"'")


def distribution(headers: Headers) -> str:
    """Return ``list`` for a mail that a mailing list or group passed on, or that can be unsubscribed from; ``bulk`` for
    one that calls itself bulk mail; else "". It says nothing of who wrote."""
    precedence = _value(headers, "precedence") if "precedence" in headers else ""
    if precedence == "list" or _LIST_FIELDS & headers.names:
        return LIST
    return BULK if precedence in ("bulk", "junk") else ""
