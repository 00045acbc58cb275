"""Find where a mail's signature begins.

A signature begins with one of four things: a line of its own (``-- ``, RFC 3676), what a program adds ("Sent from my
iPhone"), a complimentary close with a name below ("Kind regards,"), or a company's legal notice. Each counts only at
the end of the text and with short lines after it, so that a sentence with the same beginning does not.

The words are those of Apple Mail, Outlook, Gmail, Samsung, Yahoo and Proton Mail, gathered from the tests of
discourse/email_reply_trimmer, crisp-oss/email-reply-parser, mailgun/talon and alfonsrv/mail-parser-reply.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cx_events.invisible_characters import strip_invisible

_MAX_LOOKED_AT = 60
"""The lines at the end of a text that are examined."""

_MAX_LINE = 200
_SHORT = 80
_MAX_BELOW_CLOSE = 12
_MAX_BELOW_PROGRAM = 3
_MAX_BELOW_RULE = 15

_DELIMITER = re.compile(r"--|—|–|__")
_RULE = re.compile(r"[-–—_=*~]{3,100}")
_DATE = r"(?:\d{4}-\d\d?-\d|\d\d?([./-])\d\d?\1\d\d)"
_CONTACT = re.compile(rf"(?<=[\w.+-])@\w|https?://|www\.|(?<![\d./-])(?!{_DATE})\d[\d ()/.-]{{5,20}}\d")

_PROGRAM = re.compile(
    r"[(<«]{0,2}(?:"
    r"(?:Sent|Written|Composed) (?:from|via|with|using|by) (?:my |an? |the )?.{2,60}"
    r"|(?:Get|Download) (?:Outlook|BlueMail|Yahoo|TypeApp|Spark|the app) (?:for|app|from)?.{0,80}|Outlook (?:for|für"
    r"|pour|per|para) (?:iOS|Android|Mac).{0,60}"
    r"|(?:Von|Vom) (?:meinem|unterwegs|iPhone|iPad|Handy|Samsung).{0,40} gesendet|Gesendet (?:von|mit|über|aus) .{2,60}"
    r"|Diese (?:Nachricht|E-Mail) wurde (?:von|mit) .{2,60} gesendet"
    r"|(?:Outlook|Holen Sie sich Outlook|Laden Sie Outlook) (?:für|for) .{2,60}"
    r"|Envoyé (?:depuis|de|à partir de|avec|par) .{2,60}|(?:Télécharger|Obtenir|Obtenez) Outlook pour .{2,60}"
    r"|Enviad[oa] (?:desde|do|de|a partir do|con|com|pelo) .{2,60}|Obt(?:ener|enga|ém|er) (?:o )?Outlook para .{2,60}"
    r"|Inviato (?:da|dal|con|tramite) .{2,60}|(?:Ottieni|Scarica) Outlook per .{2,60}"
    r"|Ver(?:stuurd|zonden) (?:vanaf|met|via|vanuit) .{2,60}|(?:Download|Haal) Outlook voor .{2,60}"
    r"|Sk(?:ickat|ickades) från .{2,60}|Hämta Outlook för .{2,60}|(?:Sendt|Hentet) (?:fra|via|med) .{2,60}"
    r"|(?:Hent|Få) Outlook (?:til|for) .{2,60}|Lähetetty .{2,60}|(?:Hanki|Lataa) Outlook .{2,60}"
    r"|Wysłan[oe] (?:z|za pomocą|przez) .{2,60}|Pobierz (?:program )?Outlook .{2,60}"
    r"|(?:Odesláno|Odoslané) (?:z|ze|pomocou) .{2,60}|Získ(?:at|ajte|ejte) Outlook .{2,60}"
    r"|Trimis (?:de pe|din|cu) .{2,60}|.{0,30}(?:telefonomról|iPhone-omról|készülékemről) küldve"
    r"|.{2,40}(?:'?(?:ımdan|imden|umdan|ümden|dan|den)) gönderildi|Poslano (?:s|sa|iz) .{2,60}|Saadetud minu .{2,60}"
    r"|Отправлено (?:с|из|от) .{2,60}|Надіслано (?:з|із|від) .{2,60}|Изпратено от .{2,60}|Στάλθηκε από .{2,60}"
    r"|(?:发自|從我的|从我的|傳送自|寄自|來自).{2,40}|.{1,30}から送信"
    r"|.{1,20}에서 (?:보냄|나의 .{1,20})|나의 .{1,20}에서 보냄"
    r"|נשלח מה?.{2,40}|(?:أُرسلت|أرسلت|تم الإرسال|مُرسل) من .{2,40}|ارسال شده از .{2,40}"
    r"|(?:Đã gửi|Được gửi) từ .{2,40}|Dikirim dari .{2,40}|ส่งจาก.{2,40}"
    r")[)>»]{0,2}\.?",
    re.IGNORECASE,
)  # fmt: skip
_DEVICE = re.compile(
    r"iphon|ipad|android|outlook|mobil|phone|galaxy|samsung|huawei|xiaomi|pixel|blackberry|windows|mail|mac\b|gmail"
    r"|yahoo|proton|tablet|\bcell\b|handy|smartphone|telefo|téléphone|portable|celular|móvil|cellulare|spark|bluemail|gmx|web\.de"
    r"|t-online|unterwegs|nine|k-9|hotmail|thunderbird|verizon|at&t|app\b|device|gerät|телефон|айфон|手机|手機|電話",
    re.IGNORECASE,
)
"""The device or program that such a line names, before a comma; without it ``Sent from Berlin`` would count, or ``Sent
from my desk, which is easier than by phone``."""

_CLOSE_WORDS = (
    r"(?:(?:with |my |our |many |very |the )*(?:best|kind|kindest|warm|warmest|friendly)(?: regards| wishes)?"
    r"|all the best"
    r"|regards|cheers|sincerely|yours (?:sincerely|faithfully|truly)|(?:many |kind )?thanks(?: (?:and|&) (?:best "
    r"|kind )?"
    r"regards| in advance| again| a lot| so much| very much)?|thank you(?: (?:and|&) (?:best |kind )?regards"
    r"| in advance"
    r"| very much| so much| again)?|respectfully|cordially|best,? regards|br|kr|rgds"
    r"|mit (?:freundlichen|freundlichem|besten|lieben|herzlichen|vielen)\s(?:gr(?:ü|ue)(?:ß|ss)en?|gruß|gruss)"
    r"|(?:mit )?(?:(?:freundliche|beste|liebe|viele|schöne|herzliche|sonnige)n?r? )?gr(?:ü|u|ue)(?:ß"
    r"|ss)e?(?: aus \w{2,20})?"
    r"|mfg|lg|vg|bg|hochachtungsvoll|(?:vielen |herzlichen |besten )?dank(?:e)?(?: (?:und|u\.) .{0,30}gr(?:ü|u"
    r"|ue)(?:ß|ss)e?n?| im voraus)?"
    r"|(?:bien |très )?cordialement|bien à (?:vous|toi)|(?:sincères |meilleures |mes )?salutations(?: distinguées)?"
    r"|amicalement"
    r"|bonne (?:journée|soirée|réception)|merci(?: (?:beaucoup|d'avance|par avance|et .{2,30}))?|respectueusement"
    r"|(?:un )?(?:cordial|afectuoso|atento)?\s?saludos?(?: cordial(?:es)?)?|atentamente"
    r"|(?:muchas )?gracias(?: de antemano| y .{2,20})?"
    r"|un abrazo|cordiali saluti|(?:distinti|cordiali|tanti) saluti|saluti|cordialmente"
    r"|grazie(?: mille)?(?: e .{2,20})?"
    r"|(?:com os )?(?:melhores |meus )?cumprimentos|atenciosamente|att|abraços?|(?:muito )?obrigad[oa](?: desde já)?"
    r"|(?:met )?(?:vriendelijke|hartelijke|beste) groet(?:en)?|groet(?:en|jes)?|mvg|hoogachtend|(?:alvast )?bedankt"
    r"|dank (?:u|je)(?: wel)?"
    r"|(?:med )?(?:vänlig|bästa|vänliga|varma) hälsning(?:ar)?|hälsningar|mvh|tack(?: på förhand)?"
    r"|(?:med )?(?:venlig|vennlig|de bedste|bedste|mange|kærlig) hils(?:en(?:er)?|ner)|hilsen|vh|kh|dbh"
    r"|(?:på forhånd )?takk?"
    r"|(?:ystävällisin|parhain|terveisin)(?: terveisin)?|terv\.?|kiitos(?: etukäteen)?|kiittäen"
    r"|(?:z )?(?:powa[zż]aniem|pozdrowieniami|wyrazami szacunku)|pozdrawiam(?: serdecznie)?|serdecznie pozdrawiam"
    r"|dziękuję|z góry dziękuję"
    r"|s (?:pozdravem|pozdravom|úctou|přáním hezkého dne|přátelským pozdravem)|(?:předem )?děkuji|ďakujem"
    r"|üdvözlettel|tisztelettel|köszönöm(?: előre is)?|cu (?:stimă|respect|drag)|mulțumesc|o zi bună"
    r"|saygılarımla|saygılarımızla|iyi çalışmalar|teşekkürler|s poštovanjem|lijep pozdrav|lp|lep pozdrav"
    r"|с уважением|с наилучшими пожеланиями|(?:заранее )?(?:спасибо|благодарю)|з повагою|(?:щиро )?дякую|με εκτίμηση"
    r"|此致|敬礼|敬上|祝好|谢谢|謝謝|順頌商祺|よろしくお願い(?:いたし|致し|し)ます|敬具|감사합니다|בברכה|תודה(?: רבה)?"
    r"|مع (?:أطيب )?(?:التحية|التحيات|تحياتي)|شكرا(?:ً)?|با (?:احترام|تشکر)|trân trọng|hormat saya|salam|terima kasih)"
)
_CLOSE = re.compile(_CLOSE_WORDS + r"\s?[,.:!–—-]{0,3}", re.IGNORECASE)
_CLOSE_AND_NAME = re.compile(
    _CLOSE_WORDS + r"\s?[,.!–—-]{1,2}\s?(?-i:[A-ZÀ-ÞА-Я])[\w.'’-]{0,30}(?: [\w.'’-]{1,30}){0,2}[.!]?", re.IGNORECASE
)
_PS = re.compile(r"\W{0,3}(?:P\.?\s?P?\.?S\b|N\.?B\.)", re.IGNORECASE)
_NOTICE = re.compile(
    r"\b(?:confidential\w{0,4}|disclaimer|privileged|intended (?:solely|only|recipient)|vertraulich\w{0,6}"
    r"|confidentiel\w{0,6}"
    r"|confidencial\w{0,5}|riservat[oiae]|vertrouwelijk\w{0,4}|poufn\w{1,6}|konfidentiell\w{0,3}|fortrolig\w{0,3}"
    r"|consider the environment|an die umwelt|bevor sie diese e-?mail)\b",
    re.IGNORECASE,
)


def signature_at(text: str) -> int | None:
    """Return where a text's signature begins, in characters; None where it has none."""
    lines = text.split("\n")
    first = max(0, len(lines) - _MAX_LOOKED_AT)
    shown = [strip_invisible(line[:_MAX_LINE]).strip() for line in lines[first:]]
    begin = _beginning(shown)
    if begin is None:
        return None
    return sum(len(line) + 1 for line in lines[: first + begin])


def is_signature(text: str) -> bool:
    """Return whether a text is a signature and nothing else."""
    return signature_at(text) == 0


def _beginning(lines: Sequence[str]) -> int | None:
    """Return the line where the signature begins. Each kind is looked for above what was found before: a close stands
    above a delimiter, and a program's line below both. ``more``: whether anything was found below."""
    end = len(lines)
    looked_at: int | None = None
    for find in (_notice, _delimiter, _close):
        if end != looked_at:  # the same lines would be searched for a program's once more
            looked_at = end
            end = _first_of(_program(lines[:end]), end)
        end = _first_of(find(lines[:end], end < len(lines)), end)
    return end if end < len(lines) else None


def _first_of(found: int | None, end: int) -> int:
    return end if found is None else found


def _below(lines: Sequence[str], at: int) -> list[str]:
    return [line for line in lines[at + 1 :] if line]


def _program(lines: Sequence[str]) -> int | None:
    for at in range(len(lines) - 1, -1, -1):
        line = lines[at]
        if line and _PROGRAM.fullmatch(line) is not None and _DEVICE.search(line.partition(",")[0]) is not None:
            return at
        if line and len(_below(lines, at)) >= _MAX_BELOW_PROGRAM:
            return None
    return None


def _notice(lines: Sequence[str], more: bool) -> int | None:
    """Return the line where the last paragraph begins, if it is a legal notice; it may be one line or wrapped."""
    end = len(lines)
    while end and not lines[end - 1]:
        end -= 1
    begin = end
    while begin and lines[begin - 1]:
        begin -= 1
    if 0 < begin < end and _NOTICE.search(" ".join(lines[begin:end])[:2_000]) is not None:
        return begin
    return None


def _delimiter(lines: Sequence[str], more: bool) -> int | None:
    """Return the last delimiter of RFC 3676, or a ruled line above a few lines with contact data."""
    for at in range(len(lines) - 1, -1, -1):
        if _DELIMITER.fullmatch(lines[at]) is not None:
            below = _below(lines, at)
            return at if (below or more) and not _is_speech(below) else None
        if _RULE.fullmatch(lines[at]) is not None and at:
            below = _below(lines, at)
            if more and not below:
                return at
            fits = 0 < len(below) <= _MAX_BELOW_RULE and all(len(line) <= _SHORT for line in below)
            return at if fits and any(_CONTACT.search(line) for line in below) else None
    return None


def _is_speech(below: Sequence[str]) -> bool:
    return any(_PS.match(line) or line.endswith("?") for line in below)


def _close(lines: Sequence[str], more: bool) -> int | None:
    """Return the first complimentary close with a name and nothing but short lines below it."""
    found: int | None = None
    for at in range(len(lines) - 1, -1, -1):
        line = lines[at]
        if not line:
            continue
        below = _below(lines, at)
        if len(below) > _MAX_BELOW_CLOSE:
            break
        if not any(lines[:at]):
            break
        if ((below or more) and _CLOSE.fullmatch(line) is not None) or _CLOSE_AND_NAME.fullmatch(line) is not None:
            found = at
        if len(line) > _SHORT or line.endswith("?") or _PS.match(line) is not None:
            break
    return found
