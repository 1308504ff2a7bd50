"""The wordings of WhatsApp's own rows, of the larger languages. A wording that is missing leaves a row a ``message``, never out."""

from __future__ import annotations

import re

from pipeline.ingest.readers.whatsapp_header import MARKS

# System lines that quote what a person wrote, so that they can hold a colon: who, and an anchored verb phrase.
QUOTING = re.compile(
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

# Notices that iOS writes in a person's name; one of another wording is told by its mark, and warned of.
KNOWN = re.compile(
    r"^(?:Messages (?:and calls are|you send to|to this)|Nachrichten und Anrufe|Los mensajes y las llamadas"
    r"|Les messages et les appels"
    r"|As mensagens e |Berichten en oproepen|I messaggi e le chiamate|Meddelanden och samtal|Your security code"
    r"|This chat is with a business"
    r"|(?:Missed |Silenced )?(?:Voice|Video|Group) call\b|You (?:added|removed|created|joined|left|changed|turned"
    r"|deleted|blocked|unblocked)\b"
    r"|.{1,100}? (?:added|removed|created|joined|left|changed|turned (?:on|off)|pinned|started|was added|were added|is a contact"
    r"|are now|is now|now an admin|reset|allowed|approved|requested|updated)\b"
    r"|.{1,100}? (?:hat|haben|hast|wurde) .{1,200}|.{1,100}? (?:ha|han|has|añadió|salió|se unió|cambió|creó|eliminó"
    r"|activó|desactivó)\b"
    r"|.{1,100}? (?:a|ont|avez) (?:ajouté|créé|quitté|modifié|changé|supprimé|activé|désactivé|retiré|rejoint)\b"
    r"|.{1,100}? (?:adicionou|criou|saiu|mudou|removeu|entrou|alterou|ativou|desativou)\b"
    r"|.{1,100}? (?:heeft|hebt|lade till|skapade|lämnade|ändrade|tog bort|gick med)\b)",
    re.IGNORECASE,
)

# A community's rows name it behind a colon; no name of a person ends so.
COMMUNITY = re.compile(
    r"^[^:]{5,120}\b(?:in|to|from|of) (?:the|a|this) community$"
    r"|^[^:]{5,120}\b(?:(?:in|zu|aus) der Community|(?:en|a|de) la comunidad|(?:dans|à|de) la communauté|(?:na|à|da) comunidade"
    r"|(?:nella|alla|dalla) community|(?:in|aan|uit) de community)$",
    re.IGNORECASE,
)

# Rows that WhatsApp writes in a person's name, and that are no words of theirs.
CALL_WORDS = (
    r"(?:(?:Missed|Silenced) (?:group )?(?:voice|video) (?:call|chat)|(?:Voice|Video) call|No answer|null"
    r"|Verpasster? (?:Gruppen-?)?(?:Sprach|Video)anruf|(?:Sprach|Video)anruf in Abwesenheit"
    r"|(?:Llamada|Videollamada)(?: de voz)?(?: grupal)? perdida|Appel (?:vocal|vidéo)(?: de groupe)? manqué"
    r"|(?:Chamada|Ligação) de (?:voz|vídeo)(?: em grupo)? perdida|(?:Chiamata vocale|Videochiamata)(?: di gruppo)? persa"
    r"|Gemiste (?:groeps)?(?:spraak|video)oproep|Missat (?:röst|video)samtal|Пропущенный (?:аудио|видео)звонок"
    r"|Panggilan (?:suara|video) tak terjawab|Cevapsız (?:sesli|görüntülü) arama)\.?"
)
CALLS = re.compile(rf"^{CALL_WORDS}$", re.IGNORECASE)

WAITING = re.compile(r"^Waiting for this message\. This may take a while\.?$")

PLACE = re.compile(r"^(?:[^\s:]{2,20}\s?: )?https://(?:maps\.google\.com/\?q=|maps\.apple\.com/\?)\S{1,200}$")

DELETED = frozenset(
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
        "pesan ini dihapus",
        "anda menghapus pesan ini",
        "pesan ini telah dihapus",
        "mesej ini telah dipadam",
        "anda telah memadam mesej ini",
        "du raderade detta meddelande",
        "det här meddelandet har raderats",
        "detta meddelande raderades",
        "du slettet denne meldingen",
        "denne meldingen ble slettet",
        "denne besked blev slettet",
        "du slettede denne besked",
        "poistit tämän viestin",
        "tämä viesti on poistettu",
        "ta wiadomość została usunięta",
        "wiadomość została usunięta",
        "usunięto tę wiadomość",
        "odstranili jste tuto zprávu",
        "táto správa bola odstránená",
        "ez az üzenet törölve lett",
        "törölted ezt az üzenetet",
        "acest mesaj a fost șters",
        "ai șters acest mesaj",
        "αυτό το μήνυμα διαγράφηκε",
        "διαγράψατε αυτό το μήνυμα",
        "това съобщение бе изтрито",
        "це повідомлення видалено",
        "ви видалили це повідомлення",
        "вы удалили данное сообщение",
        "ova poruka je izbrisana",
        "ta poruka je obrisana",
        "bu mesajı sildiniz",
        "لقد حذفت هذه الرسالة",
        "این پیام حذف شد",
        "מחקת הודעה זו",
        "यह संदेश हटा दिया गया था",
        "यह मैसेज डिलीट कर दिया गया",
        "此消息已删除",
        "已删除此消息",
        "您已删除此消息",
        "你已删除这条消息",
        "這則訊息已刪除",
        "此訊息已被刪除",
        "您已刪除此訊息",
        "このメッセージは削除されました",
        "このメッセージを削除しました",
        "삭제된 메시지입니다",
        "이 메시지는 삭제되었습니다",
        "메시지를 삭제했습니다",
        "tin nhắn này đã bị xóa",
        "bạn đã xóa tin nhắn này",
        "ข้อความนี้ถูกลบแล้ว",
        "คุณลบข้อความนี้แล้ว",
        "s'ha suprimit aquest missatge",
        "ujumbe huu umefutwa",
    }
)

# Behind the mark of iOS's own rows: a stem of the word for a thing that was deleted.
GONE = re.compile(
    r"delet|gelöscht|elimin|borr|supprim|apag|exclu|verwijder|cancell|rader|slett|poist|usun|odstran|törö?l|șters|διαγρ"
    r"|удал|видал|изтри"
    r"|izbris|obris|dihapus|menghapus|padam|silin|sildi|حذف|מחק|हटा|डिलीट|删除|刪除|削除|삭제|xóa|ลบ|suprim",
    re.IGNORECASE,
)

OMITTED = frozenset(
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
        "<media tidak disertakan>",
        "<media disembunyikan>",
        "<pominięto multimedia>",
        "<hiányzó médiafájl>",
        "<média kihagyva>",
        "<mediefil udeladt>",
        "<medier utelatt>",
        "<παράλειψη πολυμέσων>",
        "<медіа пропущено>",
        "<मीडिया छोड़ा गया>",
        "<メディアは含まれていません>",
        "<미디어 파일 제외됨>",
        "<媒体文件已忽略>",
        "<省略多媒体文件>",
        "<媒體已略去>",
        "<ไม่รวมสื่อ>",
    }
)

# The whole of a text in angle brackets is a file that was left out, in any language: two words or more, or letters beyond Latin.
BRACKETED = re.compile(r"^<(?=[^<>]*(?:\s|[^\W\d_a-zA-Z]))[^\W\d_][^<>\n]{3,78}[^\W\d_]\.?>$")

VIEW_ONCE = re.compile(
    r"\bview once\b|einmalig\w* Ansicht|(?:una|única) (?:sola )?vez|vue unique|visualização única", re.IGNORECASE
)

OMITTED_WORDS = (
    r"(?:(?:image|video|audio|sticker|GIF|document|contact card|video note|voice message) omitted"
    r"|(?:Bild|Video|Audio|Sticker|GIF|Dokument|Kontaktkarte|Videonachricht) weggelassen"
    r"|(?:imagen|video|audio|sticker|GIF|documento|tarjeta de contacto) omitid[oa]"
    r"|(?:image|vidéo|audio|sticker|GIF|document|carte de contact) absente?"
    r"|(?:imagem|vídeo|áudio|figurinha|GIF|documento|cartão do contato) (?:ocultad[oa]|omitid[oa])"
    r"|(?:afbeelding|video|audio|sticker|GIF|document|contactkaart) weggelaten"
    r"|(?:immagine|video|audio|sticker|GIF|documento|scheda contatto) omess[oa]"
    r"|(?:bild|video|ljud|klistermärke|GIF|dokument|kontaktkort) utelämna[dt]"
    r"|(?:gambar|video|audio|stiker|GIF|dokumen) (?:tidak disertakan|dihilangkan)"
    r"|(?:изображение|видео|аудиофайл|стикер|GIF|документ) (?:отсутствует|пропущен[оа]?)"
    r"|(?:görüntü|video|ses|çıkartma|GIF|belge) dahil edilmedi"
    r"|(?:사진|이미지|동영상|비디오|오디오|스티커|GIF|문서|연락처 카드|음성 메시지) ?(?:생략됨|제외됨)"
    r"|(?:图像|图片|照片|视频|音频|贴图|GIF|文档|圖像|圖片|影片|音訊|貼圖|文件)(?:已忽略|已略去|已省略)|(?:忽略|省略)(?:图片|视频|圖片|影片)"
    r"|(?:画像|写真|動画|ビデオ|音声|スタンプ|GIF|文書)(?:は省略されました|を省略|が含まれていません))"
)
OMITTED_THING = re.compile(rf"^(?:.{{1,200}} • .{{1,40}}\s)?{OMITTED_WORDS}$", re.IGNORECASE)

# Behind the mark of iOS's own rows: the word for a thing that was left out.
LEFT_OUT = re.compile(
    r"\b(?:omitted|weggelassen|omitid[oa]s?|absente?s?|omis[eă]?|ocultad[oa]|omess[oa]|weggelaten|utelämna[dt]|utelatt"
    r"|udeladt|pominięt\w*"
    r"|vynech\w+|kihagyva|omès|omesa|jätetty pois|izostavljen\w*|izpuščen\w*|dahil edilmedi|отсутству\w+|пропущен\w*"
    r"|відсутн\w+|опущен\w*"
    r"|παραλείφθηκε|tidak disertakan|dihilangkan)\b|생략|省略|略去|已忽略|含まれていません"
    r"|bị bỏ qua|ถูกละเว้น|ไม่รวม|הושמט|לא נכלל|استبعاد|حذف شد",
    re.IGNORECASE,
)

ATTACHED = re.compile(
    r"^(?:<(?:attached|Anhang|adjunto|pièce jointe|anexado|anexo|bijgevoegd|allegato|bifogad|liite|přiloženo|вложение)"
    r"\s?: (?P<ios>[^<>/\\]+)>"
    r"|(?P<android>[^/\\<>]{1,200}\.\w{2,5}) \("
    r"(?:file attached|Datei angehängt|archivo adjunto|fichier joint|arquivo anexado|ficheiro anexado"
    r"|bestand bijgevoegd|file allegato|bifogad fil|tiedosto liitetty|dosya ekli|файл добавлен)\))$"
)

EDITED = re.compile(
    rf"[{MARKS}]?<(?:This message was edited|Diese Nachricht wurde bearbeitet|Se editó este mensaje|Este mensaje fue editado"
    r"|Ce message a été modifié|Mensagem editada|Esta mensagem foi editada|Dit bericht is bewerkt"
    r"|Questo messaggio è stato modificato|Pesan ini diedit|Bu mesaj düzenlendi)\.?>$"
    r"|(?<=\s)\u200e<[^<>\n:.]{5,60}>$"
)
