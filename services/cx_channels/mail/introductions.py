"""Lines that introduce a quoted mail, as mail programs of many languages write them.

Each tells when, who and that somebody wrote: "On 2 Aug 2026 at 15:37, Ana <ana@example.com> wrote:". Programs differ in
order, words and line breaks, so beside the forms known by heart a line counts that has a date or an hour, an address or
a word for writing, and a colon at its end.

Blanks and dashes that may begin a line in any number are matched possessively (``++``): strangers write these lines,
and a line of dashes alone took milliseconds otherwise.
"""

from __future__ import annotations

import re

# Forms known by heart.
_KNOWN = re.compile(
    r"(?:-++\s?)?+(?:"
    r"On\s.{6,200}(?:\s|>)wrote\s?(?::|-+)"  # Zoho and Sparrow write dashes, or a space before the colon
    r"|On\s.{6,200}\d{4}.{1,100}<[^<>\s]{1,100}@[^<>\s]{1,100}>\s?wrote"  # or nothing
    r"|Il\s.{6,200}\sha scritto:"
    r"|W dniu\s.{4,200}\s(?:pisze|napisał\(a\)|napisał|napisała):"
    r"|(?:Den|El|Em|Op|Le|Am|Dne|Pe|Na)\s.{6,200}\s(?:skrev|escribió|escreveu|schreef|a écrit|schrieb|napsal\(a\)"
    r"|a scris)(?:\s.{1,120})?\s?:"
    r"|Am\s.{6,120}\d.{0,20}\sschrieb\s.{1,100}<[^<>\s]{1,100}@[^<>\s]{1,100}>"
    r"|\d{1,2}[./]\d{1,2}[./]\d{2,4}.{0,30}\s(?:schrieb|skrev|wrote|пишет|написал)\s.{1,120}:"
    r"|(?=.{0,60}\d).{4,200}\s(?:написал|написала|пишет)\s?:"
    r"|在.{6,200}写道[：:]"
    r"|[^<\s].{0,100}<[^<>\s]{1,100}@[^<>\s]{1,100}>\s"
    r"(?:wrote|schrieb|a écrit|ha scritto|escribió|escreveu|schreef|skrev)\s?:"
    r"|(?:Quoting|Zitat von|Citando(?: a)?|Quotando|Citát)\s.{0,100}<[^<>\s]{1,100}@[^<>\s]{1,100}>\s?:"
    r")\s*"
)
_DASHED = re.compile(r"-{3,9}\s?[^-\d\s][^-]{0,80}\swrote\s?-{3,9}\s*")  # Android
_DATE = re.compile(r"(?<![A-Za-z0-9])(?:19|20|25)\d\d(?![A-Za-z0-9])|[٠-٩]{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_HOUR = re.compile(r"\d[:.h]\d\d(?!\d)")
_WHO = re.compile(r"[<(]\s?[^<>()\s]{1,100}@[^<>()\s]{1,100}[>)]")
_WRITES = re.compile(
    r"\b(?:wrote|schrieb|geschrieben|(?:a|ha|avez) écrit|ha scritto|escribió|escreveu|schreef|skrev|kirjoitti|pisze"
    r"|napisał[ay]?|napisana przez|napsala?|napísala?|írta|a scris|yazdı|пишет|написала?|написа|пише|написав|έγραψε"
    r"|menulis|viết)\b|写道|寫道|작성|เขียนว่า|كتب|כתב",
    re.IGNORECASE,
)
_ENDS = re.compile(r".{6,250}[:：]\s*")

ORIGINAL = re.compile(
    r"\s*+-{3,}+\s?(?:Original Message|Reply message|Original Appointment|Messaggio originale|Message d'origine"
    r"|Message original|Mesaj original|Mensagem original|Mensaje original|Oryginalna wiadomość|Ursprüngliche Nachricht"
    r"|Antwort Nachricht|Originalnachricht|Oorspronkelijk bericht|Ursprungligt meddelande|Originalmeddelande"
    r"|Opprinnelig melding|Oprindelig (?:meddelelse|besked)|Alkuperäinen viesti|Původní zpráva|Pôvodná správa"
    r"|Eredeti üzenet|Orijinal (?:Mesaj|İleti)|原始邮件|邮件原件|原始郵件|元のメッセージ|원본 메시지|Исходное сообщение"
    r"|Оригінальне повідомлення)\s?-{3,}\s*",
    re.IGNORECASE,
)

# The fields that Outlook and others put before what they quote.
FROM = re.compile(
    r"\s*+\*?(?:From|Von|De|Da|Van|Från|Fra|Od|От|Від|Lähettäjä|Feladó|Kimden|发件人|寄件者|差出人|보낸 사람)"
    r"\s?[:：]\*?\s?\S.*",
    re.IGNORECASE,
)
FIELD = re.compile(
    r"\s*+\*?(?:Sent|Date|To|Subject|Cc|Gesendet|Datum|An|Betreff|Envoyé(?: le)?|À|Objet|Enviado(?: el)?|Fecha|Para"
    r"|Asunto|Assunto|Data|Inviato|A|Oggetto|Verzonden|Aan|Onderwerp|Skickat|Till|Ämne|Sendt|Dato|Til|Emne|Wysłano|Do"
    r"|Temat|Odesláno|Odoslané|Komu|Předmět|Predmet|Lähetetty|Päivämäärä|Vastaanottaja|Aihe|Küldve|Elküldve|Címzett"
    r"|Tárgy|Gönderildi|Tarih|Kime|Konu|Отправлено|Дата|Кому|Тема|Надіслано|发送时间|收件人|主题|寄件日期|收件者|主旨"
    r"|日期|送信日時|日時|日付|宛先|件名|보낸 날짜|받는 사람|제목)\s?[:：]\*?\s?.*",
    re.IGNORECASE,
)
FORWARDED = re.compile(
    r"forward|weitergeleitet|reexp|réexp|reenvia|vidarebefordra|videresend|doorgestuurd|transf|inoltrat|encaminhad"
    r"|välitett|przekazan|p[rř]eposlan|továbbított|ileti?l|пересыла|переслан|转发|轉寄|転送|전달",
    re.IGNORECASE,
)
HEADING = re.compile(r"\s*+(?:-{3,80}.{0,80}-{3,80}|[^:]{3,80}[:：])\s*+")
"""A line that says what stands below it."""


def introduces(line: str) -> bool:
    """Whether one line, or several joined, says that what follows is quoted."""
    if _KNOWN.fullmatch(line) is not None or _DASHED.fullmatch(line) is not None:
        return True
    if _ENDS.fullmatch(line) is None or not (is_dated(line) or _HOUR.search(line)):
        return False
    return _WHO.search(line) is not None or _WRITES.search(line) is not None


def is_dated(line: str) -> bool:
    """Whether it holds a year or a date in numbers."""
    return _DATE.search(line) is not None
