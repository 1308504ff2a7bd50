"""What names a person or a place without being a name: links, mails, handles, phones, addresses, numbers.

The patterns lean to one side: a word too many that is covered costs a reader a question, a number too few costs somebody's safety.
So they look at shape, and never at whether a number is assigned, a checksum right or a street real. What a reader needs to judge
a chat stays: ages, times, dates, sums of up to four digits, and the names of apps.

They read a text without its accents and hidden characters (`pipeline.redaction.redactor` maps the places back), and repetitions are
bounded, so that a message of a million characters costs no more than its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TLD = (
    r"(?:com|net|org|info|biz|edu|gov|gg|io|ly|tv|co|app|chat|link|site|online|xyz|club|shop|web|dev|page|mobi|uk|ie|de|"
    r"at|ch|fr|es|"
    r"pt|nl|eu|se|dk|fi|cz|gr|ro|hu|ru|ua|br|mx|ar|cl|au|nz|ca|us|jp|cn|kr|in|tr|za)"
)
_DOT = r"(?:\s?\.\s?|\s?[(\[{]\s?(?:dot|punkt|punto|point|ponto|punt)\s?[)\]}]\s?|\s(?:dot|punkt|punto|point|ponto|punt)\s)"
_SPELLED_DOT = r"(?:\s?[(\[{]\s?(?:dot|punkt|punto|point|ponto|punt)\s?[)\]}]\s?|\s(?:dot|punkt|punto|ponto)\s)"
_AT = (
    r"(?:\s?@\s?|\s?[(\[{]\s?(?:at|arroba|a|apenstaartje)\s?[)\]}]\s?|"
    r"\s(?:at|arroba|arobase|chiocciola|apenstaartje|klammeraffe)\s)"
)

_APP = (
    r"(?:snap\w{0,4}|sc|insta\w{0,4}|ig|kik|discord|disc|telegram|tele|tg|whats\s?app|wa|skype|tik\s?tok|wickr|signal|"
    r"session|steam|"
    r"roblox|xbox|psn|epic|twitch|twitter|facebook|fb|messenger|wechat|viber|zoom|omegle|minecraft|fortnite|gamertag|ign|"
    r"user\s?name|user|handle|nick(?:name)?|usuario|benutzername|pseudo|gebruikersnaam|nutzername)"
)

# Words for the digits, in the languages of our corpus. A run of them is a number read aloud.
_DIGIT_WORD = (
    r"(?:zero|oh|nought|one|two|three|four|five|six|seven|eight|nine|double|triple|"
    r"cero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|doble|"
    r"null|eins|zwei|zwo|drei|vier|funf|fuenf|sechs|sieben|acht|neun|"
    r"deux|trois|quatre|cinq|sept|huit|neuf|"
    r"nul|een|twee|drie|vijf|zes|zeven|negen|"
    r"um|dois|tres|quatro|sete|oito|nove|meia|hundred|thousand|due|tre|quattro|cinque|sei|sette|otto|\d{1,4})"
)

_BIRTH = (
    r"(?:born|birthday|b-?day|dob|date of birth|geboren|geburtstag|geburtsdatum|anniversaire|nee?\sle|cumpleanos|naci|"
    r"nacido|nacida|"
    r"verjaardag|jarig|aniversario|nasci|compleanno|nat[oa])"
)
_DATE = r"(?:\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d{2}|(?:19|20)\d{2}[./-]\d{1,2}[./-]\d{1,2})"

_NOT_A_STREET = (
    r"(?:the|a|an|this|that|your|my|our|their|his|her|of|in|on|at|to|down|up|off|across|main|same|next|what|which|any|"
    r"every|each|some|"
    r"quiet|dark|whole|back|side|one|two|wrong|right|memory|fast|bus|dirt|long|and|or|mins?|minutes?|hours?|by|is|for|from|with)"
)
_HOUSE = r"\d{1,5}\s?[a-z]?"
_CAPITALISED = r"[A-Z][\w'’.-]{1,30}"
_LINKING = r"(?:(?:de\s|du\s|des\s|da\s|do\s|dos\s|das\s|del\s|della\s|di\s|la\s|las\s|los\s|les\s|le\s|el\s|l['’]|d['’]))"
_STREET = r"(?:street|road|avenue|lane|boulevard|blvd|crescent|highway|parkway|terrace|gardens|grove|mews)"
_STREET_SHORT = r"(?:st|rd|ave|ln|dr|drive|ct|court|cl|close|way|place|pl|sq|square|hill|park|row|walk|green|rise|view)"
_NO_STREET_YET = rf"(?!{_NOT_A_STREET}\b)"

KEPT = re.compile(
    rf"(?<![\d.]){_DATE}(?:[ T]\d{{1,2}}:\d{{2}}(?::\d{{2}})?)?(?![\d])|(?<!\d)\d{{1,2}}[:h.]\d{{2}}(?::\d{{2}})?(?![\d])(?!\.\d)"
    r"|(?<!\d)\d{4}\s?[-–]\s?\d{4}(?!\s?[-–.\d])(?<=(?:19|20)\d\d)"
)
"""Dates and times: they stay, and no number is found inside them."""

_SOURCES: tuple[tuple[str, str, bool], ...] = (
    # (kind, pattern, whether upper and lower case are alike); earlier ones win a place
    ("LINK", r"\b[a-z][a-z0-9+.-]{1,20}://\S+", True),
    ("LINK", r"\bwww\d?\.\S+", True),
    (
        "EMAIL",
        rf"(?<![\w.+-])(?:[\w+%-]{{1,30}}{_SPELLED_DOT}){{0,2}}[\w.+%-]{{1,64}}{_AT}[\w-]{{1,64}}(?:{_DOT}[\w-]{{1,30}}){{0,3}}{_DOT}{_TLD}\b",
        True,
    ),
    ("EMAIL", r"(?<![\w.+-])[\w.+%-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+", True),
    ("LINK", rf"(?<![\w@.-])(?:[\w-]{{1,60}}\.){{1,4}}{_TLD}(?:[/?#]\S*|(?![\w.]\w)\b)", True),
    ("LINK", r"(?<![\w@.-])(?:[\w-]{1,60}\.){1,4}[a-z]{2,12}/\S+", True),
    ("LINK", rf"(?<!\w)[\w-]{{2,60}}(?:\s?[(\[{{]\s?dot\s?[)\]}}]\s?|\s(?:dot|punkt|punto|ponto)\s){_TLD}\b(?:\s?/\S*)?", True),
    ("PLACE", r"(?<!\w)/{2,3}[a-z]{2,20}\.[a-z]{2,20}\.[a-z]{2,20}\b", True),
    ("PLACE", r"(?<![\w.])[-+]?\d{1,3}[.,]\d{3,12}\s?°?\s?[NS]?\s?[,;/ ]\s?[-+]?\d{1,3}[.,]\d{3,12}(?:\s?°?\s?[EWO])?", True),
    ("HANDLE", r"(?<![\w@])@[\w](?:[\w.-]{0,40}\w)?(?:#\d{2,6})?", True),
    ("HANDLE", r"(?<!\w)\w{2,32}\s?#\s?\d{3,6}\b", True),
    (
        "HANDLE",
        rf"(?<!\w){_APP}\s?(?:(?:name|id|handle|user|username|acc|account|nick)\s?)?(?:is|ist|es|est|e|isst|:|=|->|-|–|@)\s?"
        r"(?P<value>[\w][\w.\-]{1,40})",
        True,
    ),
    (
        "HANDLE",
        rf"(?<!\w){_APP}\s?(?:(?:name|id|handle|user|username|acc|account|nick)\s?)?,?\s(?P<value>(?=[\w.\-]{{0,40}}[\d_])(?!\d{{1,6}}[a-z]{{0,2}}(?!\w))[\w][\w.\-]{{2,40}})",
        True,
    ),
    (
        "HANDLE",
        r"(?<![\w/])(?=[\w.]{0,60}[a-z])[\w.]{0,30}[a-z0-9]_{1,5}[a-z0-9][\w.]{0,30}|(?<![\w/])_{1,9}[a-z][\w.]{2,30}",
        True,
    ),
    ("HANDLE", r"(?<![\w.])[a-z]{3,30}[.\-]?\d{2,8}(?![\w])(?<!\bcovid19)(?<!\bcovid-19)", True),
    ("HANDLE", r"(?<![\w.])x{2,3}[a-z0-9]{3,30}x{2,3}(?!\w)", True),
    (
        "SECRET",
        r"\b(?:password|passcode|pass\s?word|pin|passwort|kennwort|mot de passe|mdp|contrasena|clave|wachtwoord|senha|login)\b"
        r"(?:\s(?:number|code|nummer))?\s?(?:is|ist|es|est|e|:|=|->)\s?(?P<value>\S{3,60})",
        True,
    ),
    ("SECRET", r"\b(?:code|key|schlussel|codigo)\s?(?:is|ist|es|est|:|=)\s?(?P<value>(?=\S{0,60}\d)\S{3,60})", True),
    ("BIRTHDATE", rf"\b{_BIRTH}\b.{{0,25}}?(?P<value>{_DATE})", True),
    (
        "ADDRESS",
        rf"(?<![\w.:]){_HOUSE},?\s(?:(?!mins?\b|minutes?\b|hours?\b|km\b|miles?\b|days?\b|of\b|more\b)[\w'’.-]{{1,25}}\s){{1,4}}{_STREET}\b",
        True,
    ),
    ("ADDRESS", rf"(?<![\w.:])\d{{1,5}}\s?[A-Za-z]?,?\s(?:{_CAPITALISED}\s){{1,3}}(?i:{_STREET_SHORT})\b\.?", False),
    (
        "ADDRESS",
        rf"(?<![\w.:]){_HOUSE},?\s{_NO_STREET_YET}(?!am\b|pm\b|x\b|k\b|yo\b|years?\b|days?\b|km\b|miles?\b|more\b|people\b)[\w'’-]{{3,25}}\s{_STREET_SHORT}\b(?=[\s,.;!?]*(?:$|[\n,.;!?]|near|by|in|on|at|flat|ok|its?|and))",
        True,
    ),
    ("ADDRESS", rf"(?<!\w)(?:{_NO_STREET_YET}[\w'’-]{{2,25}})\s{_STREET}\b", True),
    (
        "ADDRESS",
        rf"(?<!\w)(?:{_CAPITALISED}\s){{1,3}}(?:St|Rd|Ave|Drive|Dr|Court|Close|Way|Place|Square|Hill|Park|Row|Walk|Crescent|Green|Rise|View)\b(?!')",
        False,
    ),
    (
        "ADDRESS",
        r"(?<!\w)(?:flat|apt|apartment|unit|suite|room|zimmer|hausnummer|wohnung|piso|puerta|appartement|appt|huisnummer|"
        r"apartamento|interno|house number|door number|block|tower)\s?(?:no\.?|nr\.?|number|nummer|#|:)?\s?\d{1,5}\s?[a-z]?\b",
        True,
    ),
    (
        "ADDRESS",
        r"(?<!\w)[\w-]{2,30}(?:straße|strasse|str\.|gasse|allee|platz|ufer|damm|straat|laan|gracht|kade|plein|singel|"
        r"dijk)(?:\s?\d{1,4}\s?[a-z]?)?(?!\w)",
        True,
    ),
    (
        "ADDRESS",
        r"(?<!\w)(?:[A-Z][\w-]{1,30}\s)?(?:[\w-]{2,30})?(?i:weg|hof|ring|steig|pad|straße|strasse|str\.?|platz|allee|"
        r"plein)\s\d{1,4}\s?[a-z]?(?!\w)",
        False,
    ),
    (
        "ADDRESS",
        rf"(?<!\w)(?:\d{{1,4}}\s?(?:bis|ter|[a-z])?,?\s)?(?:rue|avenue|av\.|boulevard|bd|chemin|impasse|allee|quai|cours|passage|square|faubourg)\s"
        rf"{_LINKING}{{0,2}}[\w'’-]{{2,30}}(?:[\s-](?-i:[A-Z])[\w'’-]{{1,30}}){{0,3}}",
        True,
    ),
    (
        "ADDRESS",
        rf"(?<!\w)(?:calle|c/|avenida|avda?\.?|plaza|paseo|carrer|camino|ronda|travesia|rua|r\.|travessa|praca|largo|alameda|estrada|via|viale|"
        rf"piazza|corso|vicolo|strada|largo)\s?(?:\s?{_LINKING}){{0,2}}[\w'’-]{{2,30}}(?:\s(?:{_LINKING}){{0,2}}(?!\d)[\w'’-]{{2,30}}){{0,3}},?\s"
        r"(?:n\.?[oº°]?\s?)?\d{1,5}\s?[a-z]?\b",
        True,
    ),
    (
        "ADDRESS",
        rf"(?<!\w)(?:Calle|Avenida|Avda|Plaza|Paseo|Rua|Travessa|Praca|Via|Viale|Piazza|Corso)\s(?:{_LINKING}){{0,2}}[A-Z][\w'’-]{{1,30}}(?:\s(?:{_LINKING}){{0,2}}[A-Z][\w'’-]{{1,30}}){{0,3}}",
        False,
    ),
    ("ADDRESS", r"(?<!\w)(?:ul|al|os|pl)\.\s?[\w-]{2,30}(?:\s(?!\d)[\w-]{2,30}){0,2}\s\d{1,4}(?:\s?[a-z])?(?:/\d{1,4})?", True),
    (
        "ADDRESS",
        r"(?<!\w)(?:ул|улица|пр|проспект|пер|переулок|вул|вулиця)\.?\s[\w-]{2,30}(?:\s(?!\d)[\w-]{2,30}){0,2}(?:,?\s(?:д\.?|"
        r"дом|буд\.?)?\s?\d{1,4}\s?\w?)?(?:,?\s(?:кв|оф)\.?\s?\d{1,4})?",
        True,
    ),
    ("ADDRESS", r"\w{1,10}[都道府県市区町村]\w{1,20}\d{1,4}(?:[-−ー]\d{1,4}){1,3}", True),
    (
        "SCHOOL",
        rf"(?<!\w)(?:(?:St\.?|Saint|Our|Holy)\s)?(?:{_CAPITALISED}\s){{1,4}}(?i:(?:primary|high|middle|secondary|junior|grammar|infant|community|catholic|elementary|comprehensive)\s){{0,2}}"
        r"(?i:school|college|academy|elementary|primary|gymnasium|realschule|grundschule|gesamtschule|lyceum|scouts)\b",
        False,
    ),
    (
        "SCHOOL",
        rf"(?<!\w)(?i:college|lycee|ecole|instituto|colegio|ies|escola|liceo|scuola|istituto|grundschule|gymnasium|realschule|gesamtschule|basisschool|school)\s(?:{_LINKING}){{0,2}}[A-Z][\w'’-]{{1,30}}(?:\s(?:{_LINKING}){{0,2}}[A-Z][\w'’-]{{1,30}}){{0,3}}",
        False,
    ),
    (
        "SCHOOL",
        r"(?<!\w)[A-Z][\w-]{2,30}-(?:Gymnasium|Realschule|Grundschule|Gesamtschule|Schule)\b|(?<!\w)St\.?\s[A-Z][\w'’-]{2,20}\b",
        False,
    ),
    (
        "SCHOOL",
        rf"(?<!\w){_NO_STREET_YET}[\w'’-]{{3,25}}\s(?:primary|high|secondary|grammar|elementary|middle|junior)\s(?:school|academy)\b",
        True,
    ),
    ("NUMBER", r"(?<![\w])(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}(?!\w)|(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])", True),
    ("NUMBER", r"(?<!\w)[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){2,7}(?:\s?[A-Z0-9]{1,4})?(?!\w)", True),
    ("POSTCODE", r"(?<!\w)[A-Z]{1,2}\d[A-Z\d]?\s{0,2}\d[ABD-HJLNP-UW-Z]{2}(?!\w)", True),
    ("POSTCODE", r"(?<!\w)[ABCEGHJ-NPR-TVXY]\d[A-Z]\s?\d[A-Z]\d(?!\w)", True),
    ("POSTCODE", r"(?<!\w)[1-9]\d{3}\s?(?!AM|PM)[A-Z]{2}(?!\w)", False),
    (
        "POSTCODE",
        r"(?<![\w-])\d{4}-\d{3}(?![\w-])(?:\s[A-Z][\w-]{2,30})?|(?<![\w-])\d{2}-\d{3}(?![\w-])|(?<!\w)(?:A|D|CH|F|S|SE|DK|"
        r"FIN|L|B)-\d{4,5}(?!\w)|(?<!\d)〒?\d{3}-\d{4}(?!\d)",
        False,
    ),
    (
        "POSTCODE",
        r"(?<!\w)(?!19\d\d|20\d\d)[1-9]\d{3}\s(?=[A-Z][a-z]{2,})(?!Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|"
        r"Dec)[A-Z][\w-]{2,30}",
        False,
    ),
    ("POSTCODE", r"(?<![\w])\d{5}(?:-\d{4})?\s(?=[A-Z])[A-Z][\w-]{2,30}(?:\s(?:am|an der|ob der)\s[A-Z]\w{2,20})?", False),
    ("PHONE", r"(?<![\w])(?:\+|\(|(?=0|\d{1,12}[^\w]))\(?\+?\d(?:[\s().\-–/·*_,\ufe0f\u20e3]{0,3}\d){6,14}(?![\w])", True),
    ("PHONE", rf"(?<!\w)(?:{_DIGIT_WORD}[\s,.\-]{{1,3}}){{5,20}}{_DIGIT_WORD}(?!\w)", True),
    ("NUMBER", r"(?<!\w)(?=[0-9-]{0,40}[a-z])(?=(?:[a-z-]{0,20}\d){4})[a-z0-9]{1,80}(?:-[a-z0-9]{1,80}){0,6}(?!\w)", True),
    ("NUMBER", r"(?<!\w)[A-Z]{2}\d{2}\s?[A-Z]{3}(?!\w)|(?<!\w)[A-Z]{1,3}[- ][A-Z]{1,2}\s\d{1,4}(?!\w)", False),
    ("NUMBER", r"\d(?:[\s.\-–/_*,\ufe0f\u20e3]{0,2}\d){4,40}", True),
)

_PATTERNS = tuple((kind, re.compile(source, re.IGNORECASE if alike else 0)) for kind, source, alike in _SOURCES)

# After "my snap is" stands a handle, or one of these.
_NO_HANDLE = frozenset(
    "a an the my your not no on off in so too just broken dead down full private public gone good bad ok okay safe "  # noqa: SIM905
    "better best new old "
    "mine yours that this it what where who when how there here nur nicht kaputt tot weg besser neu pas mort mieux "
    "nouveau no roto mejor "
    "niet kapot beter nao melhor".split()
)


def find_patterns(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield ``(start, end, kind)`` of what the patterns find, the surer ones first; places may overlap."""
    kept = [match.span() for match in KEPT.finditer(text)]
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.span("value") if "value" in pattern.groupindex else match.span()
            if kind == "HANDLE" and "value" in pattern.groupindex and text[start:end].casefold().strip(".-") in _NO_HANDLE:
                continue
            if kind in ("PHONE", "NUMBER") and any(first <= start and end <= last for first, last in kept):
                continue
            if end > start:
                yield start, end, kind
