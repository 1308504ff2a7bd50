"""What a WhatsApp row is, told from its structure: somebody's words, a file, a withdrawn message, or a line of WhatsApp's own.

A row without a speaker is WhatsApp's. A row with one is judged by its *whole* text only: a word in somebody's message never makes
it a system row. The templates are those of the larger locales; one that is missing leaves the row a ``message``, never out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from pipeline.ingest.whatsapp_header import MARKS
from pipeline.schema import Kind

_STRIP = dict.fromkeys(map(ord, "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"))

# System lines that quote what a person wrote, so that they can hold a colon: who, and an anchored verb phrase.
_QUOTING = re.compile(
    r"^[^:]{1,100}?\s(?:"
    r"(?:changed|deleted) the (?:subject|group (?:name|description)|group's name)"
    r"|created (?:group|the group|community)"
    r"|hat (?:den Betreff|den Gruppennamen|die Gruppe|die Gruppenbeschreibung)\b"
    r"|(?:cambió|cambiaste|creó|creaste) (?:el asunto|el nombre del grupo|el grupo|la descripción)"
    r"|a (?:changé|modifié|créé) (?:le sujet|l['’]objet|le nom du groupe|le groupe|la description)"
    r"|(?:mudou|alterou|criou) (?:o assunto|o nome do grupo|o grupo|a descrição)"
    r"|(?:heeft|hebt) (?:het onderwerp|de groepsnaam|de groep|de groepsbeschrijving)\b"
    r"|ha (?:cambiato|modificato|creato) (?:l['’]oggetto|il nome del gruppo|il gruppo|la descrizione)"
    r")(?=[\s:“\"«„‟']|$)"
)

# Notices that iOS writes under the name of the chat; there the text begins with a mark of writing direction.
_NOTICE = re.compile(
    r"^(?:Messages and calls are end-to-end encrypted|Messages to this (?:chat and calls|group) are now secured"
    r"|Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt|Los mensajes y las llamadas están cifrados"
    r"|Les messages et les appels sont chiffrés|As mensagens e (?:as )?(?:chamadas|ligações) são (?:protegidas|encriptadas)"
    r"|Berichten en oproepen worden end-to-end versleuteld|I messaggi e le chiamate sono crittografati"
    r"|Your security code with|This chat is with a business account|.{1,100} created (?:this|the) group$|.{1,100} created group “)"
)

_DELETED = frozenset(
    {
        "this message was deleted",
        "you deleted this message",
        "this message was deleted by admin",
        "diese nachricht wurde gelöscht",
        "du hast diese nachricht gelöscht",
        "se eliminó este mensaje",
        "eliminaste este mensaje",
        "este mensaje fue eliminado",
        "ce message a été supprimé",
        "vous avez supprimé ce message",
        "mensagem apagada",
        "essa mensagem foi apagada",
        "esta mensagem foi apagada",
        "você apagou esta mensagem",
        "apagou esta mensagem",
        "dit bericht is verwijderd",
        "u hebt dit bericht verwijderd",
        "je hebt dit bericht verwijderd",
        "questo messaggio è stato eliminato",
        "hai eliminato questo messaggio",
        "det här meddelandet raderades",
        "tämä viesti poistettiin",
        "tato zpráva byla odstraněna",
        "bu mesaj silindi",
        "это сообщение было удалено",
        "данное сообщение удалено",
        "تم حذف هذه الرسالة",
        "הודעה זו נמחקה",
    }
)

_OMITTED = frozenset(
    {
        "<media omitted>",
        "<medien ausgeschlossen>",
        "<multimedia omitido>",
        "<archivo omitido>",
        "<médias omis>",
        "<fichier omis>",
        "<mídia oculta>",
        "<ficheiro não revelado>",
        "<arquivo de mídia oculto>",
        "<media weggelaten>",
        "<media omessi>",
        "<mediet utelämnades>",
        "<media jätettiin pois>",
        "<média vynechána>",
        "<medya dahil edilmedi>",
        "<без медиафайлов>",
        "<файл пропущен>",
        "<تم استبعاد الوسائط>",
        "<المدرجات تم استبعادها>",
        "<מדיה לא נכללה>",
        "<המדיה לא נכללה>",
    }
)

_OMITTED_THING = re.compile(
    r"^(?:.{1,200} • .{1,40}\s)?(?:"
    r"(?:image|video|audio|sticker|GIF|document|contact card|video note|voice message) omitted"
    r"|(?:Bild|Video|Audio|Sticker|GIF|Dokument|Kontaktkarte|Videonachricht) weggelassen"
    r"|(?:imagen|video|audio|sticker|GIF|documento|tarjeta de contacto) omitid[oa]"
    r"|(?:image|vidéo|audio|sticker|GIF|document|carte de contact) absente?"
    r"|(?:imagem|vídeo|áudio|figurinha|GIF|documento|cartão do contato) (?:ocultad[oa]|omitid[oa])"
    r"|(?:afbeelding|video|audio|sticker|GIF|document|contactkaart) weggelaten"
    r"|(?:immagine|video|audio|sticker|GIF|documento|scheda contatto) omess[oa]"
    r")$",
    re.IGNORECASE,
)

_ATTACHED = re.compile(
    r"^(?:<(?:attached|Anhang|adjunto|pièce jointe|anexado|anexo|bijgevoegd|allegato|bifogad|liite|přiloženo|вложение)"
    r"\s?: (?P<ios>[^<>/\\]+)>"
    r"|(?P<android>[^/\\<>]{1,200}\.\w{2,5}) \("
    r"(?:file attached|Datei angehängt|archivo adjunto|fichier joint|arquivo anexado|ficheiro anexado"
    r"|bestand bijgevoegd|file allegato|bifogad fil|tiedosto liitetty|dosya ekli|файл добавлен)\))$"
)

_EDITED = re.compile(
    rf"[{MARKS}]?<(?:This message was edited|Diese Nachricht wurde bearbeitet|Se editó este mensaje|Este mensaje fue editado"
    r"|Ce message a été modifié"
    r"|Mensagem editada|Esta mensagem foi editada|Dit bericht is bewerkt|Questo messaggio è stato modificato)>$"
)


@dataclass(frozen=True, slots=True)
class Row:
    """A header line's rest, taken apart: who, the text of the first line, and whether it could be seen only once."""

    speaker: str | None
    text: str
    view_once: bool = False


@lru_cache(maxsize=1024)
def _bare(text: str) -> str:
    """Return the text without marks of writing direction and outer white space."""
    return text.translate(_STRIP).strip()


def split_row(rest: str) -> Row:
    """Split what follows a header into speaker and text; a row without a speaker is WhatsApp's own.

    ``Name:`` or ``Name:.`` with nothing behind it is a message that could be seen once: its content is not in the export.
    """
    name, colon, text = rest.partition(": ")
    if _QUOTING.search(_bare(name if colon else rest)):
        return Row(None, rest)
    once = not text and rest.rstrip().endswith((":", ":."))
    if once and not colon:
        name, colon, text = rest.rpartition(":")
    speaker = _bare(name)
    return Row(speaker, text, once) if colon and speaker else Row(None, rest)


def judge(row: Row, text: str) -> tuple[Kind, Mapping[str, object]]:
    """Return the kind of a row, from its whole text of all lines, and what goes into ``meta``."""
    if row.speaker is None:
        return "system", {}
    first, _, caption = text.partition("\n")
    plain = first.translate(_STRIP).strip()
    if text[:1] == "\u200e" and _NOTICE.match(plain):
        return "system", {}
    if row.view_once and "\n" not in text:
        return "media", {"view_once": True}
    if not caption and plain.casefold().rstrip(".") in _DELETED:
        return "deleted", {}
    meta: dict[str, object] = {"edited": True} if _EDITED.search(text) else {}
    attached = _ATTACHED.match(plain)
    if attached:
        return "media", meta | {"attachments": [attached["ios"] or attached["android"]]}
    if plain.casefold() in _OMITTED or _OMITTED_THING.match(plain):
        return "media", meta
    return "message", meta
