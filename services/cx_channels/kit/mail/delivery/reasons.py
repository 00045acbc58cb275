"""Find the status code (RFC 3463) of a failure in codes and in words.

The phrases are those of mail servers. Each was met in the public collection of bounces of the project Sisimai
(github.com/sisimai/set-of-emails, with the tables of lib/sisimai/reason/*.rb, BSD 2-clause) or stands in the source or
manual of the server named beside it; here they are patterns of words instead of sentences.
"""

from __future__ import annotations

import re

UNDEFINED = "5.0.0"

MAX_WORDS = 4_000
"""The characters of an explanation that are examined."""

_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
_REPLY = re.compile(r"(?<![\d./-])(?<!\w:)([45][0-5]\d)(?=[ ,\-:][^\d]|[ -][245]\.\d|$)")

_QUOTED_REPLY = re.compile(r"(?:[:;>'\"(]|said|returned|was)[ '\"(\[]{1,3}(?=[45][0-5]\d[ \-:])")

_TYPE = re.compile(r"\A\s*+[\w-]++\s*+;\s*+")
_FIRST_OF_SEVERAL = re.compile(r"([45][0-5]\d)-([245]\.\d{1,3}\.\d{1,3}(?= ))?")

_CLOSING = {"(": ")", "[": "]", "'": "'", '"': '"'}

_BOX = r"(?:mail ?(?:box|folder|dir|file|drop)|in-?box|folder|account|recipient|user|storage|disk)"
_WHO = r"(?:recipients?|recipient name|rcpt|users?|accounts?|address(?:es)?|mailbox(?:es)?|e-?mails?|person|alias)"

# The first row that is met counts: the surer words stand first. A server that says no code and has given up says 5.
_PHRASES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("5.7.1", re.compile("|".join((  # limits on the sender, also where they are called quotas
        r"(?:daily|sending|hourly|send|rate) (?:\w{1,20} )?(?:quota|limit)", r"rate[- ]limit", r"frequency limited",
        r"too many (?:recipients|messages|e?mails) (?:this|per|in the last) (?:hour|minute|day)",
        r"too many (?:concurrent |simultaneous )?(?:connections|smtp sessions)", r"try again slower",
        r"max(?:imum)? emails per hour", r"throttl(?:ed|ing)",
    )), re.IGNORECASE)),
    ("5.3.1", re.compile("|".join((  # the server is full
        r"mail system (?:is )?full", r"insufficient (?:system|disk) (?:storage|space|resources)",
    )), re.IGNORECASE)),
    ("5.2.2", re.compile("|".join((  # the mailbox is full
        r"quota", rf"{_BOX}\b.{{0,30}} full\b", r"full mail ?box", r"mailbox size (?:limit )?exceed",
        r"(?:exceed\w{0,3}|over|out of|reached) (?:\w{1,20} ){0,4}?(?:storage|disk space|space limit|mailbox size)",
        r"(?:exceed\w{0,3}|reached) (?:\w{1,20} ){0,3}?(?:local limit|receiving limits)", r"no space left on device",
        r"(?:not|n't) (?:have )?(?:enough|sufficient) (?:\w{1,20} ){0,2}?space", r"space has been used up",
        r"mailbox exceeds", r"has too many messages", r"number of messages in .{0,40} exceed", r"too much mail data",
        r"boite du destinataire pleine", r"(?:mailbox|postfach) (?:ist )?voll", r"casella (?:\w{1,20} )?piena",
        r"buz[oó]n (?:\w{1,20} )?lleno", r"容量", r"いっぱい",
    )), re.IGNORECASE)),
    ("5.7.1", re.compile("|".join((  # the sender's address or host, where the words also speak of what does not exist
        r"sender (?:address |domain )?(?:\w{1,20} )?(?:rejected|denied|invalid|blocked|verify)", r"invalid sender",
        r"unroutable sender", r"email address is not verified", r"bad sender",
    )), re.IGNORECASE)),
    ("5.4.4", re.compile("|".join((  # no way to the domain
        r"unroute?able", r"no route(?! to host)", r"unable to (?:resolve )?route", r"could not find a gateway",
        r"\bnull ?mx\b",
        r"\bno (?:valid )?mx\b", r"\bmx records?\b", r"\bdns (?:error|lookup|query|failure|type|server)",
        r"name (?:service|server) error", r"name or service not known", r"host name lookup", r"name server reply",
        r"(?:host|host or domain|domain) (?:name )?not found", r"network error on destination", r"\bnxdomain\b",
        r"\bmx or srv record\b",
    )), re.IGNORECASE)),
    ("5.1.2", re.compile("|".join((  # no such domain
        r"(?:unknown|no such) (?:host|domain)", r"(?:host|domain)(?: name)? (?:is )?unknown",
        r"domain\b.{0,40} (?:does not|must|may not|does ?n['’]t) exist", r"domain is not reachable",
        r"^\d{3} [\w-]{1,63}(?:\.[\w-]{1,63}){1,8} does not exist",
    )), re.IGNORECASE)),
    ("5.1.1", re.compile("|".join((  # no such recipient
        r"user[ _]?(?:is )?(?:unknown|not (?:found|known|exist|local|listed))", r"not listed in", r"non remis",
        r"unknown (?:local[ -]?part|user|recipient|address|mailbox|account|e-?mail|addressee)",
        r"no[ _-]?such[ _-]?(?:local )?(?:user|recipient|address|mailbox|person|account)",
        rf"{_WHO}\b.{{0,60}} (?:is )?(?:not (?:found|known|recogni[sz]ed)|unknown|invalid)\b",
        rf"{_WHO}\b.{{0,60}} (?:does not|does ?n['’]t|no longer) exist",
        rf"{_WHO}\b.{{0,60}} (?:could|can|was)(?: not|n['’]t) (?:be )?found",
        rf"{_WHO}\b.{{0,60}} not (?:exist|present|listed|in (?:the )?directory)",
        r"invalid (?:recipients?|mailbox|address(?:es)?|user)\b", r"no mailbox (?:here|found|by)",
        r"no mail ?box available", r"no valid recipients?", r"(?:does not|does ?n['’]t) have an? \S{1,80} account",
        r"not a (?:valid|known|local) (?:user|mailbox|recipient|address)", r"no account by that name",
        r"no one at this address", r"non[- ]?existent (?:user|mailbox|recipient|address)", r"bad destination mailbox",
        r"(?:bad|valid)rcptto", r"recip(?:ient)? ?not ?found", r"invalid final delivery userid",
        r"destination addresses were unknown",
        r"user missing home directory", r"destinataire (?:invalide|inconnu)", r"utilisateur inconnu",
        r"usu[aá]rio (?:desco(?:noci|nheci)do|inexistente|inv[aá]lido)", r"nessun utente", r"bad[ _]recipient",
        r"destinatario (?:desconocido|inexistente)", r"(?:utente|destinatario) sconosciuto",
        r"no existe (?:ese|dicha)", r"unbekannter (?:benutzer|empf[aä]nger)", r"empf[aä]nger unbekannt",
        r"(?:ユーザー|宛先|あて先).{0,80}(?:存在しません|見つかりません|不明)",
        r"ディレクトリ.{0,20}(?:見つかりません|ありません)", r"用户不存在", r"收件人不存在",
    )), re.IGNORECASE)),
    ("5.1.4", re.compile(r"\bnot unique\b|ambiguous (?:recipient|address|user)", re.IGNORECASE)),
    ("5.1.6", re.compile("|".join((  # the recipient has moved
        r"has been replaced by", r"(?:user|recipient|mailbox|account) (?:has )?moved",
        r"no longer (?:on server|(?:a )?valid address)",
    )), re.IGNORECASE)),
    ("5.3.4", re.compile("|".join((  # too large
        r"too (?:large|big)\b", r"size (?:limit|exceeds?)", r"message length exceeds", r"line limit exceeded",
        r"exceed\w{0,3} (?:\w{1,20} ){0,5}?(?:message |inbound )?size", r"taille limite",
    )), re.IGNORECASE)),
    ("5.2.1", re.compile("|".join((  # the mailbox is closed
        rf"{_WHO}\b.{{0,60}} (?:disabled|suspended|inactive|deactivated|frozen|discontinued|archived|terminated)\b",
        r"(?:mailbox|account) (?:is |has been )?(?:temporar(?:il)?y )?(?:locked|closed|expired|unavailable)",
        r"account is blocked", r"no longer accepts mail", r"inactive (?:user|account|recipient)", r"invalid/inactive",
        r"not (?:an )?active",
        r"(?:disabled|deactivated|suspended|closed) (?:mailbox|account|user|recipient)", r"recipient was unavailable",
        r"(?:casilla|buz[oó]n|cuenta|conta) (?:\w{1,20} ){0,3}?(?:expirad|desac?tivad|suspen[sd]|inac?tiv)",
        r"extended inactivity", r"suspend the service", r"destinataire archivee", r"mail receiving disabled",
    )), re.IGNORECASE)),
    ("5.4.6", re.compile("|".join((  # loops
        r"hop count", r"too many hops", r"routing loop", r"(?:mail|forwarding|message) loop", r"message looping",
        r"loops? (?:back|detected)", r"loop (?:was )?found", r"duplicated message-id", r"too many received",
    )), re.IGNORECASE)),
    ("5.6.0", re.compile("|".join((  # not readable
        r"duplicate header", r"(?:invalid|improper) (?:mime )?header", r"header error", r"mime complexity",
        r"not rfc ?\d{3,4} compliant", r"8-?bit data",
    )), re.IGNORECASE)),
    ("5.7.1", re.compile("|".join((  # who sent, or what
        r"\bspam", r"black ?-?list", r"block ?-?list", r"\bdnsbl\b", r"\brbl\b", r"\bdmarc\b", r"\bspf\b", r"\bdkim\b",
        r"sender policy framework", r"reputation", r"\bvirus(?:es)?\b", r"malware", r"phishing", r"unsolicited",
        r"bulk (?:e-?)?mail", r"banned", r"dynamic ip", r"relay(?:ing)? (?:access )?(?:denied|not|prohibited|to|mail)",
        r"unable to relay", r"(?:as a|open|mail) relay", r"no relaying", r"\bpolic(?:y|ies)\b", r"protocol violation",
        r"unauthenticated", r"unverif[iy]\w{4,5} sending", r"invalid ip\b", r"different address or alias",
        r"authentication (?:is )?(?:required|failure|turned on|credentials)", r"smtp authentication",
        r"authrequired", r"content (?:rejected|denied|filter)", r"reverse dns", r"\bptr record", r"ip name lookup",
    )), re.IGNORECASE)),
    ("5.7.1", re.compile("|".join((  # a list that takes mail from its members alone
        r"(?:not|n't) (?:a |an )?(?:member|subscriber|subscribed)", r"non-?members?\b", r"members[- ]only",
        r"closed mailing list", r"only (?:\w{1,20} )?(?:members|subscribers)",
    )), re.IGNORECASE)),
)  # fmt: skip

# What is said as well where something surer is meant.
_VAGUE: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("5.1.1", re.compile("|".join((  # by InterScan, and by Postfix without a reason
        r"unable to deliver message to <", r"recipient address rejected\.?(?: \(in reply|$)",
    )), re.IGNORECASE)),
    ("5.4.1", re.compile("|".join((  # no connection
        r"connection (?:refused|reset|dropped|lost)", r"connection was (?:refused|dropped|closed)", r"did not respond",
        r"(?:did not|could not|unable to|wasn't able to) (?:accept our requests to )?(?:connect|establish)",
        r"host (?:is )?(?:unreachable|not reachable|not responding|down)", r"network is unreachable",
        r"not accepting connections", r"remote protocol error",
    )), re.IGNORECASE)),
    ("5.7.1", re.compile("|".join((  # refused, without more
        r"\bdenied\b", r"\brefuse[ds]?\b", r"\brefus(?:ing|al)\b", r"\breject", r"\bblock(?:ed|ing)\b", r"\bfilter",
        r"(?:not|n't) (?:allowed|permitted|authori[sz]ed)", r"does(?: not|n't) accept", r"not accepted",
        r"permission to post", r"prohibited", r"forbidden", r"\bno access\b", r"go away", r"is protected by",
        r"messages? from \S{1,60} were(?: not|n['’]t) sent",
        r"not a registered gateway user",
    )), re.IGNORECASE)),
    ("5.4.7", re.compile("|".join((  # given up after a time
        r"\bexpired\b", r"timed? ?out\b", r"\bretr(?:y|ies)\b", r"(?<!will )giv(?:e|ing) up",
        r"failing for a long time", r"could not (?:be delivered|deliver) for", r"failed \d{1,4} attempts",
        r"in the queue too long", r"has been delayed", r"not yet been delivered", r"not been collected",
        r"not delivered within",
    )), re.IGNORECASE)),
    ("5.3.0", re.compile("|".join((  # the server failed
        r"procmail", r"maildrop", r"command (?:failed|died|output)", r"mailer error", r"queue file write error",
        r"(?:local|mail system|server|system) config(?:uration)? error", r"service (?:currently )?unavailable",
    )), re.IGNORECASE)),
)  # fmt: skip
_RAN_OUT = re.compile(r"retry time(?:out)? (?:exceeded|not reached)|failing for a long time", re.IGNORECASE)
_ADDRESS = re.compile(r"(?<![^\s<(\"':])[^\s<(\"':@]{1,64}@[^\s@<>()\"',;]{1,255}")
_PATH = re.compile(r"(https?://[^\s/]{1,200})/\S*")


def code_of(status: str, explanation: str) -> str:
    """Return the most telling code of a failure, "" if nothing tells.

    ``status``: as a report states it (RFC 3463), "" if it doesn't; ``explanation``: the words of the server that
    refused. A status in these words counts before the reporting server's own, which may be that of its giving up or of
    the first of several recipients. One that only names the subject (x.y.0) yields to words that say more, in the same
    subject; one of the system or the protocol (x.3.0 to x.6.0) also to words about address and mailbox.
    """
    told = [match for match in _ENHANCED.finditer(explanation[:MAX_WORDS]) if match[1] != "2"]
    stated = [match] if (match := _ENHANCED.fullmatch(status)) is not None else []
    best = max([*told, *stated], key=lambda match: (match[3] != "0", match[2] != "0"), default=None)
    if best is not None and best[3] != "0":
        return best[0]
    said = said_by(explanation)
    if best is None:
        code = _reply_in(explanation[:MAX_WORDS])
        return in_class(said, code[:1]) if said else code
    fits = best[2] == "0" or said[2:3] == best[2] or (best[2] in "3456" and _about_recipient(explanation))
    return in_class(said, best[1]) if said and fits else best[0]


def _about_recipient(explanation: str) -> bool:
    """Return whether words surely mean a status of the address or the mailbox (x.1.y, x.2.y)."""
    return said_by(explanation, surely=True)[2:3] in ("1", "2")


def stated_in(text: str) -> str:
    """Return a failure's code that stands in a text, the status or else the SMTP reply; "" if there is none."""
    status = next((match[0] for match in _ENHANCED.finditer(text) if match[1] != "2"), "")
    return status or _reply_in(text)


def _reply_in(text: str) -> str:
    """Return the first permanent reply, which is the last word of a server, else the first one; "" without any."""
    replies = [match[1] for match in _REPLY.finditer(text)]
    return next((reply for reply in replies if reply[0] == "5"), next(iter(replies), ""))


def without_letter(line: str) -> str:
    """Return a line from its SMTP reply onwards, without what a mailer says about where that came from."""
    found = _QUOTED_REPLY.search(line)
    if found is None:
        return line
    return line[found.end() :].rstrip(" " + "".join(_CLOSING.get(opened, "") for opened in found[0]))


def diagnostic(value: str) -> str:
    """Return the words of a Diagnostic-Code, without the type before them (RFC 3464, section 2.3.6)."""
    return _TYPE.sub("", value)


def one_reply(reply: str) -> str:
    """Return an SMTP reply of several lines (RFC 5321, section 4.2.1), joined by blanks, as one: with its code, and the
    status after it, at the start alone. Any other text stays."""
    first = _FIRST_OF_SEVERAL.match(reply)
    if first is None:
        return reply
    code, status, words = first[1], first[2] or "", reply[first.end() :].strip()
    if status:
        words = words.replace(f" {code}-{status}", "").replace(f" {code} {status}", "")
    else:
        before, last, after = words.replace(f" {code}-", " ").rpartition(f" {code} ")
        words = f"{before} {after}" if last else after
    return " ".join(filter(None, (code, status, words)))


def said_by(words: str, *, surely: bool = False) -> str:
    """Return the status that words mean; "" if they say nothing that is known, or, ``surely``, nothing but vaguely.

    What stands in addresses, and in links behind the host, is no word.
    """
    text = _PATH.sub(r"\1 ", _ADDRESS.sub("@", " ".join(words[:MAX_WORDS].split())))
    rows = _PHRASES if surely else (*_PHRASES, *_VAGUE)
    return next((status for status, phrases in rows if phrases.search(text)), "")


def ran_out(words: str) -> bool:
    """Return whether words say that retries ran out of time, as with Exim's retry rules (specification, chapter 32).

    That is a persistent transient failure (RFC 3463, section 2).
    """
    return _RAN_OUT.search(words[:MAX_WORDS]) is not None


def in_class(status: str, kind: str) -> str:
    """Return a status as a permanent (``5``) or transient (``4``) one; unchanged where the kind is "" or it is none."""
    return f"{kind}{status[1:]}" if kind and status else status
