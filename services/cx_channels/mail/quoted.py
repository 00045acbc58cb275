"""What is new in a reply, and what it quotes.

quotequail knows the lines that introduce a quote or a forwarded mail in several languages; those that it lacks stand
here. Its expressions take cubic time on long lines, so it is shown short lines only, and a bounded number of them.
"""

from __future__ import annotations

import re

import quotequail

_MAX_LINES = 1_500
_MAX_LINE = 250
_NOTHING = "x"

# Introductions that quotequail lacks; each is tried on one line and on up to three lines joined.
_WROTE = re.compile(
    r"(?:-+\s?)?(?:"
    r"On\s.{6,200}\swrote\s?(?::|-+)"  # Zoho and Sparrow write dashes, or a space before the colon
    r"|Il\s.{6,200}\sha scritto:"
    r"|W dniu\s.{4,200}\s(?:pisze|napisał\(a\)|napisał|napisała):"
    r"|(?:Den|El|Em|Op|Le|Am|Dne|Pe|Na)\s.{6,200}\s(?:skrev|escribió|escreveu|schreef|a écrit|schrieb|napsal\(a\)"
    r"|a scris)(?:\s.{1,120})?\s?:"
    r"|\d{1,2}[./]\d{1,2}[./]\d{2,4}.{0,30}\s(?:schrieb|skrev|wrote|пишет|написал)\s.{1,120}:"
    r"|(?=.{0,60}\d).{4,200}\s(?:написал|написала|пишет)\s?:"
    r"|在.{6,200}写道[：:]"
    r"|(?=.{0,60}\d).{6,200}<[^<>\s]{3,100}@[^<>\s]{3,100}>\s?(?:のメール)?[:：]"
    r")\s*"
)
_ORIGINAL = re.compile(
    r"\s*-{3,}\s?(?:Original Message|Reply message|Original Appointment|Messaggio originale|Message d'origine"
    r"|Message original|Mensagem original|Oryginalna wiadomość|原始邮件|元のメッセージ|Исходное сообщение)\s?-{3,}\s*",
    re.IGNORECASE,
)
_FROM = re.compile(r"\s*\*?(?:From|Von|De|Da|Van|Från|Fra|Od|От|发件人|差出人)\s?:\*?\s?\S.*", re.IGNORECASE)
_NEXT_FIELD = re.compile(
    r"\s*\*?(?:Sent|Date|To|Subject|Cc|Gesendet|Datum|An|Betreff|Envoyé|À|Objet|Enviado|Fecha|Para|Asunto|Inviato|A"
    r"|Oggetto|Verzonden|Aan|Onderwerp|Skickat|Till|Ämne|Sendt|Til|Emne|Отправлено|Кому|Тема|发送时间|收件人|主题"
    r"|送信日時|宛先|件名)\s?:\*?\s?.*",
    re.IGNORECASE,
)
_FORWARDED = re.compile(r"forward|weitergeleitet|reexp|réexp|reenvia|vidarebefordra|doorgestuurd|transf|пересыла", re.I)
_DIVIDER = re.compile(r"\s*(?:_{5,}|-{5,})\s*")


def split(text: str) -> tuple[str, str]:
    """(new, quoted). Answers below or between quoted lines are new. A forwarded mail is what its sender has to say, so
    it stays; so does a text in which nothing would be new."""
    lines = text.split("\n")
    start, end = _introduction(lines)
    if start is None:
        new, quoted = _unquoted(lines)
    elif _FORWARDED.search(" ".join(lines[start:end])):
        return text, ""
    else:
        new, quoted = _unquoted(lines[:start])
        rest = lines[end:]
        if any(line.startswith(">") for line in rest):
            # Marked lines follow: what is unmarked among them was written now, below or between.
            below, marked = _unquoted(rest)
            new, quoted = [*new, *below], [*quoted, *lines[start:end], *marked]
        else:
            quoted += lines[start:]
    fresh = re.sub(r"\n{3,}", "\n\n", "\n".join(new)).strip()
    return (fresh, "\n".join(quoted).strip()) if fresh else (text.strip(), "")


def _introduction(lines: list[str]) -> tuple[int | None, int]:
    """Where the lines that introduce a quote begin and end; (None, 0) if there are none."""
    shown = [line if len(line) <= _MAX_LINE else _NOTHING for line in lines[:_MAX_LINES]]
    found = [place for place in (_by_quotequail(shown), _by_own(shown)) if place is not None]
    if not found:
        return None, 0
    start, end = min(found)
    while start and _DIVIDER.fullmatch(shown[start - 1]):
        start -= 1
    return start, end


def _by_quotequail(shown: list[str]) -> tuple[int, int] | None:
    text = "\n".join(shown)
    limit = len(shown) + 2
    parts = quotequail.quote(text, limit=limit, quote_intro_line=True)
    if len(parts) < 2:
        return None
    start = len(shown) - (parts[1][1].count("\n") + 1)
    through = quotequail.quote(text, limit=limit, quote_intro_line=False)[0][1]
    return start, max(start, through.count("\n")) + 1


def _by_own(shown: list[str]) -> tuple[int, int] | None:
    for at, line in enumerate(shown):
        bare = line.removeprefix(">").strip()
        if not bare:
            continue
        if _ORIGINAL.fullmatch(bare) or (_FROM.fullmatch(bare) and _is_head(shown, at)):
            return at, at + 1
        for length in (1, 2, 3):
            joined = _joined(shown[at : at + length])
            if len(joined) <= _MAX_LINE and _WROTE.fullmatch(joined):
                return _shortest(shown, at, at + length)
    return None


def _shortest(shown: list[str], start: int, end: int) -> tuple[int, int]:
    """Without the lines before that are no part of the introduction: some patterns begin with anything."""
    while start + 1 < end and _WROTE.fullmatch(_joined(shown[start + 1 : end])):
        start += 1
    return start, end


def _joined(lines: list[str]) -> str:
    return " ".join(line.removeprefix(">").strip() for line in lines)


def _is_head(shown: list[str], at: int) -> bool:
    """Whether a "From:" line is the first of the fields that Outlook puts before what it quotes."""
    following = [line for line in shown[at + 1 : at + 8] if line.strip()][:4]
    return sum(_NEXT_FIELD.fullmatch(line) is not None for line in following) >= 2


def _unquoted(lines: list[str]) -> tuple[list[str], list[str]]:
    new: list[str] = []
    quoted: list[str] = []
    for line in lines:
        (quoted if line.startswith(">") else new).append(line)
    return new, quoted
