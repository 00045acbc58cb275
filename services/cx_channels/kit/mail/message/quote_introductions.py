"""Recognise lines that introduce a quoted mail, as mail programs of many languages write them.

Each says when, who, and that somebody wrote: "On 2 Aug 2026 at 15:37, Ana <ana@example.com> wrote:". Programs differ in
order, words and line breaks. So besides the known forms a line counts that has a date or an hour, an address or a word
for writing, and a colon at its end.

People write such lines, too ("On Monday your agent wrote:"). So a line is *sure* where only a program writes it, else
*likely*: then it counts only where marked lines (``>``) follow.

The words are those of Gmail, Apple Mail, Outlook, Thunderbird, Yahoo, Proton Mail and Airmail, gathered from the tests
of crisp-oss/email-reply-parser, discourse/email_reply_trimmer, mailgun/talon, alfonsrv/mail-parser-reply and
closeio/quotequail.

Blanks and dashes that may begin a line in any number are matched possessively (``++``): strangers write these lines,
and a line of dashes alone took milliseconds otherwise.
"""

from __future__ import annotations

import re
from enum import IntEnum


class Introduces(IntEnum):
    """The certainty that a line introduces a quote."""

    NOTHING = 0
    LIKELY = 1
    SURELY = 2


_VERBS = (
    "wrote|writes|schrieb|schreibt|a écrit|écrit|ha scritto|scrive|escribió|escribe|escreveu|escreve|schreef|schrijft"
    "|skrev|skriver|kirjoitti|kirjoittaa|napisał|pisze|píše|написал|пишет"
)
_SOMEBODY = re.compile(rf"[^\s<>:].{{1,80}}\s(?:{_VERBS})\s?:\s*")
"""What Gnus and others write without a date, and people, too."""

# Forms known by heart.
_KNOWN = re.compile(
    r"(?:-++\s?)?+(?:"
    r"(?:On|At)\s.{6,200}(?:\s|>)(?:wrote|said|writes|says)\s?(?::|-+)"  # Zoho and Sparrow: dashes, a blank before
    r"|On\s.{6,200}\d{4}.{1,100}<[^<>\s]{1,100}@[^<>\s]{1,100}>\s?wrote"  # or nothing
    r"|Il\s.{6,200}\sha scritto:"
    r"|(?:W dniu|Dnia)\s.{4,200}\s(?:pisze|napisał\(a\)|napisał|napisała|nadesłał):"
    r"|(?:Den|El|Em|Op|Le|Am|Dne|Pe|Na)\s.{6,200}\s(?:skrev|escribió|escreveu|schreef|a écrit|schrieb|napsal\(a\)"
    r"|a scris|geschreven)(?:\s.{1,120})?\s?:"
    r"|Am\s.{6,120}\d.{0,20}\sschrieb\s.{1,100}<[^<>\s]{1,100}@[^<>\s]{1,100}>"
    r"|\d{1,2}[./]\d{1,2}[./]\d{2,4}.{0,30}\s(?:schrieb|skrev|wrote|пишет|написал)\s.{1,120}:"
    r"|(?=.{0,60}\d).{4,200}\s(?:написал(?:\(а\))?|написала|пишет)\s?:"
    r"|在.{6,200}写道[：:]"
    r"|[^<\s].{0,100}<[^<>\s]{1,100}@[^<>\s]{1,100}>\s"
    rf"(?:{_VERBS})\s?:"
    r"|[^\s:].{1,100}\svia\s.{1,100}\s(?:wrote|schrieb)\s?:"
    r"|(?:\d{1,2}\.?\s\w{3,10}\.?|\w{3,10}\.?\s\d{1,2},)\s\d{4},\s\d?\d[:.]\d\d(?:\s[AP]M)?\s\w{1,6}\s"  # Tuta
    r"[^<>\s]{1,100}@[^<>\s]{1,100}:"
    r"|In message\s.{3,200}\swrites\s?:"
    r"|(?:Quoting|Zitat von|Citando(?: a)?|Quotando|Citát)\s.{0,100}<[^<>\s]{1,100}@[^<>\s]{1,100}>\s?:"
    r"|\d{4}/\d{1,2}/\d{1,2}\s.{1,100}<[^<>\s]{1,100}@[^<>\s]{1,100}>"  # Gmail of 2013
    r"|\d{4}-\d\d-\d\d \d?\d:\d\d GMT[+-]\d\d:\d\d\s[^<>]{1,100}"
    r")\s*"
)
_DASHED = re.compile(
    r"-{3,9}\s?[^-\d\s][^-]{0,80}\swrote\s?-{3,9}\s*"  # Android
    r"|-{3,9}\s?[^-\d\s].{0,120}\s(?:wrote|schrieb|a écrit|ha scritto|escribió|escreveu|schreef|skrev)\s?:\s?-{3,9}\s*"
)  # the second one: Notes in a browser
_YEARS = r"(?<![A-Za-z0-9])(?:19|20|25)\d\d(?![A-Za-z0-9])"
_DATE = re.compile(_YEARS + r"|(?=[^\x00-\x7f])\d{4}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")
_HOUR = re.compile(r"(?<!\d)(?<!\d\.)\d{1,2}[:.h]\d\d(?!\.?\d)|(?<!\d)\d{1,2}\s?[ap]\.?m\b", re.IGNORECASE)
"""An hour, and no part of a date like 27.11.2026."""

_WHO = re.compile(r"[<(\[]\s?(?:mailto:)?[^<>()\[\]\s]{1,100}@[^<>()\[\]\s]{1,100}\s?[>)\]]")
_IN_ANGLES = re.compile(r"<\s?[^<>\s]{1,100}@")
_SPEAKS = r"said|says|a dit|disse|dijo|sagte|sade|sa\b|zei"
_WRITES = re.compile(
    r"\b(?:wrote|writes|schrieb|geschrieben|(?:a|ha|avez) écrit|ha scritto|escribió|escreveu|schreef|geschreven|skrev"
    r"|kirjoitti|pisze|napisał[ay]?|nadesłał|napisana przez|napsala?|napísala?|írta|a scris|yazdı|пишет|написала?"
    r"|написа"
    r"|напиша|пише|написав|написао|έγραψε|menulis|viết|napisa[ol]|napisala|piše|rašė|rakstīja|kirjutas|skrifaði"
    rf"|va escriure|ha escrit|escribiu|shkroi|idatzi du|ysgrifennodd|isinulat ni|{_SPEAKS})\b"
    r"|写道|寫道|작성|のメール|のメッセージ|書きました|เขียน|كتب|كتابة|כתב|מאת|نوشت|ने लिखा|লিখেছেন",
    re.IGNORECASE,
)
_SAID = re.compile(rf"\b(?:{_SPEAKS})", re.IGNORECASE)
_ENDS = re.compile(r".{6,250}[:：]\s*")
_PERSONAL = re.compile(
    r"\b(?:I|me|my|you|your|we|our|(?-i:us)|ich|mir|mein\w{0,2}|sie|ihnen|ihr\w{0,2}|wir|uns\w{0,4}|je|j['’]\w+"
    r"|moi|mon(?!\.?,?\s(?:(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w{0,6}\.?\s)?\d)|m[ai](?!\.?,?\s\d)|vous"
    r"|votre|nous|notre|yo|usted(?:es)?|nosotros|nuestr[oa]|io|mio|noi|nostr[oa]|eu|meu|você|nós|nosso|ik|mij|mijn|wij"
    r"|ons|jullie|jag|jeg|mig|meg|min|ja|mój|nam|wy|я|мне|мой|вы|вам|ваш\w{0,3}|мы|нам|ми|мені)\b",
    re.IGNORECASE,
)
"""Words of somebody who speaks. "Mon, 30", "ma 30" (Finnish, Dutch) and "Mi., 25" (German) are days, "US" a country."""

ORIGINAL = re.compile(
    r"[\s*]*+[-–—_=]{2,}+\s?(?:Original[- ]?(?:Message|Mail)|Reply message|Original Appointment|Messaggio originale"
    r"|(?:Message|E?-?mail) d['’]origine|(?:Message|E?-?mail) (?:original|initial)"
    r"|Mesaj original|Mesajul original|Mensagem original"
    r"|Mensaje original|Missatge original|Mensaxe orixinal|Jatorrizko mezua|Oryginalna wiadomość|Wiadomość oryginalna"
    r"|Ursprüngliche (?:Nachricht|Mail|E-Mail)|Antwort Nachricht|Original-?nachricht|Oorspronkelijk bericht"
    r"|Origine(?:el|le) bericht|Ursprungligt (?:meddelande|mejl)|Originalmeddelande|Opprinnelig (?:melding|e-post)"
    r"|Oprindelig (?:meddelelse|besked)|Alkuperäinen viesti|Původní (?:zpráva|e-?mail)|Pôvodná správa"
    r"|Eredeti (?:üzenet|levél)"
    r"|Izvorna poruka|Originalna poruka|Izvirno sporočilo|Algne (?:kiri|sõnum)|Pradinis laiškas|Sākotnējais ziņojums"
    r"|Upprunalegur póstur|Orijinal (?:Mesaj|İleti)|Αρχικό μήνυμα|原始邮件|邮件原件|原始郵件|元のメッセージ"
    r"|원본 (?:메시지|메세지|메일)|Исходное сообщение|Первоначальное сообщение|Оригинално писмо|Зыходны ліст"
    r"|(?:Оригінальне|Вихідне) повідомлення|הודעה מקורית|الرسالة الأصلية|پیام اصلی|ข้อความต้นฉบับ|Tin nhắn gốc|Thư gốc"
    r"|Pesan Asli|Mesej Asal)\s?(?:[-–—_=]{2,}|:)?[\s*]*",
    re.IGNORECASE,
)

_ABOVE = re.compile(
    r"##-\s.{5,120}\s-##"  # Zendesk, in any language
    r"|[-–—_=#*~]{2,}+\s?(?:please\s)?(?:reply|respond|write|(?:type|write|enter|add)\s(?:your|a)\sreply)\s.{0,40}"
    r"above\sthis\s(?:line|message|text).{0,80}",
    re.IGNORECASE,
)
"""A help desk's line that says that the older mail is below."""

_FORWARD_WORDS = re.compile(
    r"forward|weitergeleitet|reexp|réexp|reenvia|vidarebefordra|videresend|doorgestuurd|transf|transmis|inoltrat"
    r"|encaminhad|välitett|edelleenlähetet|przekazan|przesłana dalej|p[rř]eposlan|továbbított|ileti?l|redirec"
    r"|proslijeđen|prosleđen|posredovan|persiųst|pārsūtīt|edastatud|προωθημ|препратен|пересыла|переслан"
    r"|перенаправлен|переадресованн|转发|轉寄|転送|전달|הועבר|مُعاد توجيه|إعادة توجيه|chuyển tiếp|terusan|ส่งต่อ|अग्रेषित",
    re.IGNORECASE,
)
_DASHES_AROUND = re.compile(r"[\s*]*+[-–—_=]{3,80}[^-–—_=\n].{0,80}?[-–—_=]{3,80}[\s*]*+")
_APPLE_FORWARD = re.compile(
    r"(?:Begin forwarded message|Forwarded message|Začátek přeposílané zprávy|Start på videresendt besked"
    r"|Anfang der weitergeleiteten (?:Nachricht|E-Mail)|Inicio del mensaje reenviado|Välitetty viesti alkaa"
    r"|Début du message (?:réexpédié|transféré)|Započni proslijeđenu poruku|Továbbított levél kezdete"
    r"|Inizio (?:del )?messaggio inoltrato|Begin doorgestuurd bericht|Videresendt melding"
    r"|Początek przekazywanej wiadomości|Início da mensagem (?:re)?encaminhada|Începe mesajul redirecționat"
    r"|Начало (?:переадресованного|пересылаемого) сообщения|Začiatok preposlanej správy"
    r"|Vidarebefordrat (?:mejl|meddelande)|İleti başlangıcı|Початок листа, що пересилається|转发的邮件|轉寄的郵件"
    r"|転送されたメッセージ|전달된 메시지|הודעה שהועברה|بدء الرسالة المُعاد توجيهها)\s?[:：]",
    re.IGNORECASE,
)


def introduces(line: str) -> Introduces:
    """Return how certain it is that one line, or several joined, says that what follows is quoted. ``line`` has no
    marks, neither of quoting nor of direction."""
    if _DASHED.fullmatch(line) is not None:
        return Introduces.SURELY
    known = _KNOWN.fullmatch(line) is not None
    who = _WHO.search(line) is not None
    dated, hour = is_dated(line), has_hour(line)
    if not known and (_ENDS.fullmatch(line) is None or not (dated or hour) or not (who or _WRITES.search(line))):
        said = _SOMEBODY.fullmatch(line) is not None and _PERSONAL.search(line) is None
        return Introduces.LIKELY if said else Introduces.NOTHING
    if _PERSONAL.search(line) is not None and not _IN_ANGLES.search(line):
        return Introduces.LIKELY
    if who:  # people give addresses in parentheses, programs mostly in angle brackets
        angled = _IN_ANGLES.search(line) is not None
        sure = (dated or hour or (known and angled)) and (
            _WRITES.search(line) is not None or (angled and _ENDS.fullmatch(line) is not None)
        )
    else:
        sure = dated and (hour or (known and _SAID.search(line) is None))
    return Introduces.SURELY if sure else Introduces.LIKELY


def is_known(line: str) -> bool:
    """Return whether a line has one of the forms known by heart, which stand anywhere, also right below other text."""
    return _KNOWN.fullmatch(line) is not None or _DASHED.fullmatch(line) is not None


def is_dated(line: str) -> bool:
    """Return whether it holds a year or a date in numbers."""
    return _DATE.search(line) is not None


def has_hour(line: str) -> bool:
    """Return whether it holds an hour of the day."""
    return _HOUR.search(line) is not None


def is_heading(line: str) -> bool:
    """Return whether a line says that the mail which is answered stands below it."""
    return ORIGINAL.fullmatch(line) is not None or _ABOVE.fullmatch(line) is not None


def is_ruled(line: str) -> bool:
    """Return whether a line has dashes on both sides, as programs write headings in languages that are not known."""
    return _DASHES_AROUND.fullmatch(line) is not None


def is_forward_heading(line: str) -> bool:
    """Return whether a line says that a forwarded mail stands below it."""
    if _APPLE_FORWARD.fullmatch(line) is not None:
        return True
    return _DASHES_AROUND.fullmatch(line) is not None and _FORWARD_WORDS.search(line) is not None
