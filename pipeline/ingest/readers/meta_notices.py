"""What Instagram and Messenger say in a person's name: rows that no field marks, told by the whole of their text.

A reaction stands a second time as a row of its own, ``Reacted ❤️ to your message``, in the language of the account. In any language
it is told by the field ``reactions`` of another row, which says who reacted with what; without one, by its wording in the languages
below. Whatever else is worded so stays somebody's words.
"""

from __future__ import annotations

import re

_EMOJI = r"[^\w\s]\S{0,15}"
_REACTED = (
    rf"Reacted {_EMOJI} to your message",
    rf"(?:Hat mit {_EMOJI} auf (?:deine|Ihre) Nachricht reagiert|Reagierte mit {_EMOJI} auf (?:deine|Ihre) Nachricht)",
    rf"A réagi (?:avec )?{_EMOJI} à (?:votre|ton) message",
    rf"(?:Reaccionó|Ha reaccionado) (?:con )?{_EMOJI} a (?:tu|su) mensaje",
    rf"Ha (?:reagito (?:con )?|aggiunto (?:la reazione )?){_EMOJI} al tuo messaggio",
    rf"Reagiu (?:com )?{_EMOJI} (?:à|a) (?:sua|tua) mensagem",
    rf"(?:Heeft met {_EMOJI} op je bericht gereageerd|Heeft gereageerd met {_EMOJI} op je bericht)",
    rf"Zareagował(?:a|\(a\))? {_EMOJI} na (?:Twoją|twoją) wiadomość",
    rf"Reagera(?:de|t) (?:med )?{_EMOJI} på ditt meddelande",
    rf"Reagerede (?:med )?{_EMOJI} på din besked",
    rf"Reagerte (?:med )?{_EMOJI} på meldingen din",
    rf"Menanggapi pesan Anda dengan {_EMOJI}",
)
_LIKED = (
    *("Liked a message", "Gefällt eine Nachricht", "Hat eine Nachricht mit „Gefällt mir“ markiert", "A aimé un message"),
    *("Le gustó un mensaje", "Indicó que le gusta un mensaje", "Curtiu uma mensagem", "Gostou de uma mensagem"),
    *("Ha messo Mi piace a un messaggio", "Vindt een bericht leuk", "Gillade ett meddelande", "Menyukai pesan"),
)
_BY_NAME = (
    r"(?:sent|shared) an attachment",
    r"(?:turned (?:on|off)|left) vanish mode",
    r"unsent a message",
    r"liked a message",
    r"hat einen Anhang gesendet",
    r"hat (?:den )?Vanish[- ]Mod(?:e|us) (?:aktiviert|deaktiviert)",
    r"a envoyé une pièce jointe",
    r"a (?:activé|désactivé) le mode éphémère",
    r"(?:envió|ha enviado) un archivo adjunto",
    r"(?:activó|desactivó) el modo (?:efímero|temporal)",
    r"ha inviato un allegato",
    r"enviou um anexo",
    r"heeft een bijlage (?:verzonden|gestuurd)",
    r"wysłał(?:a|\(a\))? załącznik",
    r"skickade en bifogad fil",
    r"sendte en vedhæftet fil",
    r"sendte et vedlegg",
    r"mengirim lampiran",
)
_NOTICE = re.compile("|".join((*_REACTED, *map(re.escape, _LIKED))))
ACTION = re.compile(rf"(?:{'|'.join(_BY_NAME)})\.?")
_YOU = ("You", "Du", "Vous", "Tu", "Tú", "Você", "Je", "Anda")
_REACTION = re.compile(rf"[^\n]{{0,30}}?(?P<emoji>{_EMOJI})[^\n]{{0,45}} \Z")
_SELECTOR = "\ufe0f"

Reaction = tuple[str, str]
"""Who reacted, and with which emoji."""


def is_notice(text: str, speaker: str | None, reacted: frozenset[Reaction] = frozenset()) -> bool:
    """Whether the whole of a text is one of the platform's own notices; ``reacted`` is what the fields of other rows say."""
    if _NOTICE.fullmatch(text.strip()) is not None:
        return True
    for name in (speaker or "", *_YOU):
        if name and text.startswith(f"{name} ") and ACTION.fullmatch(text[len(name) + 1 :].strip()) is not None:
            return True
    reaction = _REACTION.match(text) if reacted and speaker is not None else None
    return reaction is not None and (speaker, bare(reaction["emoji"])) in reacted


def bare(emoji: str) -> str:
    """Return an emoji without the mark that asks for its picture, which stands in one place and not in the other."""
    return emoji.replace(_SELECTOR, "")
