"""Recognise the header lines that Outlook and others put above a mail that they quote or forward.

From, Sent, To and Subject are lines of text there, in the language of the program. People write such lines, too:
``From: Lisbon``, ``To: Berlin``, ``Date: Monday``. So a block counts only with a subject, a date, and an address, an
hour or a label like "Sent" that only mails have.

The labels are those of Outlook, Apple Mail, Gmail, Thunderbird, Yahoo and HubSpot, gathered from the tests of
crisp-oss/email-forward-parser and discourse/email_reply_trimmer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cx_channels.kit.mail.message.quote_introductions import has_hour

FROM, TO, CC, SUBJECT, DATE, SENT = "from", "to", "cc", "subject", "date", "sent"
"""What a field says. ``SENT`` is a date by a label that mails alone have; ``DATE`` may be anything's."""

_WORDS = {
    FROM: "From|Von|De|Da|De la|Van|Från|Fra|Od|От|От кого|Від|Від кого|Lähettäjä|Šalje|Feladó|Kimden|Gönderen"
    "|Expeditor|Expeditorul|Expéditeur|Отправитель|Saatja|Mittente|Nadawca|Remitente|Remetente|Frá|Nuo|No|Prej"
    "|发件人|發件人|寄件者|寄件人|差出人|送信者|送信元|보낸 사람|보낸사람|מאת|من|از|Από|จาก|Từ|Dari|Pengirim"
    "|Daripada|Од|प्रेषक",
    TO: "To|An|À|Pour|Para|A|Aan|Till|Til|Do|Komu|Pre|Prima|Za|Кому|До|Vastaanottaja|Címzett|Kime|Alıcı|Destinataire"
    "|Destinatario|Destinatário|Destinatar|Destinatarul|Către|Adresat|Saaja|Kam|Kur|收件人|收件者|宛先|送信先"
    "|받는 사람|받는사람|אל|إلى|به|Προς|ถึง|Đến|Tới|Kepada|Per a|Adressaat|Коме|प्रति",
    CC: "Cc|Bcc|Kopie|Kopia|Kopio|Kopi|Copie|Copie à|Copia|Cópia|Kópia|Másolat|Másolatot kap|Bilgi|Копия|Копія|DW|UDW"
    "|CCO|抄送|副本|참조|عون|העתק|Reply-To|Antwort an|Répondre à|Responder a|Rispondi a|Antwoord aan|Svar til"
    "|Svara till|Importance|Wichtigkeit|Priority|Priorität|Attachments|Anlagen|Anhänge|Pièces jointes"
    "|Organization|Organisation",
    SUBJECT: "Subject|Betreff|Objet|Sujet|Asunto|Assunto|Oggetto|Onderwerp|Ämne|Emne|Temat|Předmět|Predmet|Aihe|Tárgy"
    "|Konu|Subiect|Subiectul|Тема|Относно|Zadeva|Naslov|Teema|Θέμα|Efni|Tema|Temats|Tēma|Assumpte|Gaia|主题|主題|主旨|件名|제목|נושא"
    "|الموضوع|موضوع|เรื่อง|หัวเรื่อง|Chủ đề|Tiêu đề|Subjek|Perihal|विषय",
    SENT: "Sent|Message du|Gesendet|Envoyé|Envoyé le|Enviado|Enviado el|Enviada em|Enviado em|Enviada|Inviato"
    "|Data invio|Verzonden|Skickat|Sendt|Wysłano|Wysłane|Odesláno|Odoslané|Lähetetty|Küldve|Elküldve|Gönderildi"
    "|Gönderilme Tarihi|Отправлено|Надіслано|Poslano|Trimis|Saadetud|Išsiųsta|Nosūtīts|Enviat|Εστάλη"
    "|Στάλθηκε|Απεσταλμένα|Изпратено|发送时间|發送時間|寄件日期"
    "|送信日時|보낸 날짜|보낸날짜|נשלח|تاريخ الإرسال|تم الإرسال|فرستاده شده|ส่งเมื่อ|ส่ง|Đã gửi"
    "|Dikirim|Terkirim|Dihantar|Poslato|Послато|Enviat el|Saatmisaeg|भेजा गया",
    DATE: "Date|Datum|Data|Fecha|Dato|Dátum|Dată|Päivämäärä|Päiväys|Tarih|Дата|Ημερομηνία|Kuupäev|Dagsetning|日期|日時"
    "|日付|날짜|תאריך|التاريخ|تاریخ|วันที่|Ngày|Tanggal|Le",
}
_ROLES = {word.casefold(): role for role, words in _WORDS.items() for word in words.split("|")}

_FIELD = re.compile(r"\*{0,2}([^\W\d_][^:：*\n]{0,29}?)\s?\*{0,2}\s?[:：](.*)")
_FULL_ADDRESS = re.compile(r"[<\[][^<>\[\]\s]{1,200}@")
_MAX_LINES = 30
_MAX_WRAPPED = 4


def field_of(line: str) -> tuple[str, str] | None:
    """Return what a line says as such a field, and its value; None for a line that is none. ``line`` has no marks of
    quoting."""
    found = _FIELD.match(line)
    if found is None:
        return None
    role = _ROLES.get(found[1].casefold())
    return None if role is None else (role, found[2].strip(" *"))


def end_of_head(lines: Sequence[str], at: int, under_heading: bool = False) -> int:
    """Return where the fields of a mail end that begin at a line; ``at`` itself where no mail's fields stand there.

    ``lines`` without marks of quoting, stripped. ``under_heading``: a line above says that a mail follows.
    """
    if field_of(lines[at]) is None:
        return at
    end, found, first = _fields(lines, at)
    return end if (under_heading and FROM in found) or _is_of_a_mail(found, first) else at


def _fields(lines: Sequence[str], at: int) -> tuple[int, dict[str, str], str]:
    """Return where the fields end, their values, and what the first one says."""
    found: dict[str, str] = {}
    first = ""
    end = here = at
    while here < min(len(lines), at + _MAX_LINES):
        field = field_of(lines[here])
        if field is not None:
            first = first or field[0]
            found.setdefault(*field)
            end = here + 1
        elif not _goes_on(lines, here):
            break
        here += 1
    return end, found, first


def _goes_on(lines: Sequence[str], here: int) -> bool:
    """Return whether another field follows a blank line, or the lines over which an earlier field continues."""
    if not lines[here]:
        return here + 1 < len(lines) and field_of(lines[here + 1]) is not None
    for line in lines[here + 1 : here + 1 + _MAX_WRAPPED]:
        if not line:
            return False
        if field_of(line) is not None:
            return True
    return False


def _is_of_a_mail(found: dict[str, str], first: str) -> bool:
    if FROM not in found or not found[FROM]:
        return False
    when = found.get(SENT) or found.get(DATE) or ""
    if not when or not (SUBJECT in found or TO in found):
        return False
    named = _FULL_ADDRESS.search(found[FROM]) is not None
    if first != FROM and "@" not in found[FROM]:
        return False
    timed = has_hour(when)
    if SUBJECT not in found:
        # Windows Mail leaves the subject out: From, Sent, To.
        return timed and (named or list(found)[:3] == [FROM, SENT, TO])
    return SENT in found or timed or "@" in found[FROM] or _FULL_ADDRESS.search(found.get(TO, "")) is not None
