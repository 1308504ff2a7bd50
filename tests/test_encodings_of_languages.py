"""Texts in the encodings that came before UTF-8: read as they were written, or refused, and never as another language."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from helpers.exports import read_all, write

from pipeline.errors import ExportError
from pipeline.ingest.files.encodings import is_legacy_text, legacy_encoding

CHATS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "ru": (
        "Мария",
        "Анна",
        ("Привет, как дела?", "Хорошо, а у тебя?", "пойдём завтра в парк гулять", "мама испекла ржаной хлеб, приходи", "да"),
    ),
    "uk": ("Оксана", "Ігор", ("Привіт, як справи?", "Добре, а в тебе? Їдемо завтра", "мама спекла житній хліб", "так, звісно")),
    "bg": ("Мария", "Иван", ("Здравей, как си?", "добре съм, а ти", "утре ще печем хляб", "да")),
    "pl": (
        "Łucja",
        "Józef",
        ("Cześć, co robisz? Piekę żytni chleb", "świetnie", "mąka się skończyła", "kupię w sklepie, będę o piątej"),
    ),
    "cs": (
        "Jiří",
        "Žofie",
        (
            "Ahoj, co děláš? Peču žitný chléb",
            "skvělé, přijdu v pět",
            "mouka už došla",
            "koupím ji v obchodě",
        ),
    ),
    "hu": (
        "Zsófi",
        "Örs",
        (
            "Szia, mit csinálsz? Kenyeret sütök",
            "jó, ötkor ott leszek",
            "elfogyott a liszt, veszel a boltban?",
            "őrölt búzából sütjük",
        ),
    ),
    "ro": ("Stefan", "Ioana", ("Bună, ce faci? Fac pâine", "foarte bine, vin la cinci", "făina s-a terminat")),
    "hr": ("Željka", "Mario", ("Bok, što radiš? Pečem kruh", "dođi u pet, čekam te", "brašno je gotovo")),
    "de": (
        "Jürgen",
        "Käthe",
        ("Hallo, was machst du? Ich backe Brötchen", "schön, ich komme um fünf", "das Mehl ist alle, kaufst du größere Tüten?"),
    ),
    "fr": (
        "Zoé",
        "François",
        (
            "Salut, ça va? Je prépare du pain",
            "très bien, à bientôt",
            "la farine est finie, même le blé",
            "où êtes-vous? l’été arrive",
        ),
    ),
    "es": ("Íñigo", "María", ("Hola, ¿qué haces? Horneo pan", "mañana voy, sí", "¡qué rico! el sábado también")),
    "pt": ("João", "Conceição", ("Olá, o que você está fazendo? Pão", "não sei, amanhã às cinco", "a farinha já acabou")),
    "it": ("Niccolò", "Chiara", ("Ciao, che fai? È pronto il pane", "perché no, verrò alle cinque", "così è più buono")),
    "sv": ("Åsa", "Björn", ("Hej, vad gör du? Jag bakar bröd", "jättebra, jag är där klockan fem", "mjölet är slut")),
    "da": ("Søren", "Kåre", ("Hej, hvad laver du? Jeg bager rugbrød", "dejligt, på gensyn", "æblekage får vi også")),
    "fi": ("Päivi", "Väinö", ("Moi, mitä teet? Leivon ruisleipää", "hyvä, tulen viideltä", "jauhot loppuivat, käytkö kaupassa")),
    "tr": ("Çağla", "Şule", ("Günaydın, ekmek pişiriyoruz ışık", "güzel, beşte geliyorum", "un bitti, marketten alır mısın")),
    "el": ("Μαρία", "Νίκος", ("Γεια σου, τι κάνεις;", "ψήνω ψωμί", "το αλεύρι τελείωσε, θα πάρεις;", "έλα στις πέντε")),
    "he": ("מרים", "דוד", ("שלום מה שלומך", "אופים לחם היום", "הקמח נגמר, תקנה בחנות?")),
    "ar": ("مريم", "سامي", ("مرحبا كيف حالك اليوم", "نخبز الخبز في البيت", "انتهى الطحين، هل تشتري من الدكان؟")),
    "th": ("มาลี", "สมชาย", ("สวัสดี วันนี้ทำอะไร", "อบขนมปัง", "แป้งหมดแล้ว ซื้อมาให้หน่อยได้ไหม")),
    "ko": ("지우", "민호", ("안녕하세요 오늘 뭐 해요?", "빵을 굽고 있어요", "밀가루가 떨어졌어요, 사다 줄래요?")),
    "ja": ("花子", "太郎", ("こんにちは、今日は何をしますか", "パンを焼いています", "小麦粉がなくなったので買ってきてください")),
    "zh": ("小明", "小红", ("你好，今天做什么？", "我在烤面包", "面粉用完了，你能去商店买一点吗")),
    "zht": ("小明", "小紅", ("你好，今天做什麼？", "我在烤麵包", "麵粉用完了，你能去商店買一點嗎")),
}
ENCODINGS: dict[str, tuple[str, ...]] = {
    "ru": ("cp1251", "koi8-r", "cp866", "iso8859-5", "mac-cyrillic"),
    "uk": ("cp1251", "koi8-u", "cp1125", "iso8859-5"),
    "bg": ("cp1251", "cp866", "iso8859-5"),
    "pl": ("cp1250", "iso8859-2", "cp852", "mac-latin2"),
    "cs": ("cp1250", "iso8859-2", "cp852"),
    "hu": ("cp1250", "iso8859-2", "cp852"),
    "ro": ("cp1250", "iso8859-2"),
    "hr": ("cp1250", "iso8859-2"),
    "de": ("cp1252", "mac-roman", "cp850"),
    "fr": ("cp1252", "mac-roman"),
    "es": ("cp1252", "mac-roman", "cp850"),
    "pt": ("cp1252", "mac-roman"),
    "it": ("cp1252", "mac-roman"),
    "sv": ("cp1252", "mac-roman", "cp850"),
    "da": ("cp1252", "mac-roman"),
    "fi": ("cp1252", "mac-roman"),
    "tr": ("cp1254", "cp857"),
    "el": ("cp1253", "iso8859-7"),
    "he": ("cp1255", "iso8859-8"),
    "ar": ("cp1256", "iso8859-6"),
    "th": ("cp874",),
    "ko": ("euc-kr", "cp949"),
    "ja": ("shift_jis", "cp932", "euc-jp"),
    "zh": ("gbk", "gb18030", "gb2312"),
    "zht": ("big5",),
}
EITHER = {("ro", "cp1250"), ("ro", "iso8859-2"), ("ar", "iso8859-6")}
"""What nothing tells from another language or encoding that we try."""


def chat(language: str, messages: int | None = None, times: int = 1) -> str:
    first, second, words = CHATS[language]
    rows = words[:messages] * times
    return "".join(f"13/02/2024, 20:{i:02} - {(first, second)[i % 2]}: {text}\n" for i, text in enumerate(rows))


def pairs(*, plain: bool) -> list[tuple[str, str]]:
    every = [(language, encoding) for language, encodings in ENCODINGS.items() for encoding in encodings]
    return [pair for pair in every if pair not in EITHER] if plain else every


@pytest.mark.parametrize("times", [1, 10])
@pytest.mark.parametrize(("language", "encoding"), pairs(plain=True))
def test_a_few_messages_are_enough(language: str, encoding: str, times: int) -> None:
    raw = chat(language, times=times).encode(encoding)
    name = legacy_encoding(io.BytesIO(raw))
    assert name is not None
    assert raw.decode(name) == raw.decode(encoding)


@pytest.mark.parametrize(("language", "encoding"), pairs(plain=False))
@pytest.mark.parametrize("messages", [1, 2])
def test_fewer_are_read_right_or_not_at_all(language: str, encoding: str, messages: int) -> None:
    raw = chat(language, messages).encode(encoding)
    name = legacy_encoding(io.BytesIO(raw))
    assert name is None or raw.decode(name) == raw.decode(encoding)


@pytest.mark.parametrize(
    ("language", "encoding", "told"),
    [("ru", "koi8-r", "koi8_r"), ("ko", "euc-kr", "cp949"), ("ja", "iso2022_jp", "ISO2022_JP"), ("zh", "gbk", "gb18030")],
)
def test_a_chat_is_read_and_its_encoding_said(language: str, encoding: str, told: str, tmp_path: Path) -> None:
    (conversation,), log = read_all(write(tmp_path / "chat.txt", chat(language).encode(encoding)))
    assert [message.text for message in conversation.messages] == list(CHATS[language][2])
    assert [told in warning.what for warning in log.warnings] == [True]


def test_a_header_that_is_known_only_in_its_encoding_is_found(tmp_path: Path) -> None:
    rows = "2024. 2. 13. 오후 8:00 - 지우: 안녕하세요 오늘 뭐 해요?\n2024. 2. 13. 오후 8:01 - 민호: 빵을 굽고 있어요\n"
    (conversation,), _ = read_all(write(tmp_path / "chat.txt", rows.encode("euc-kr")))
    assert [message.speaker for message in conversation.messages] == ["지우", "민호"]


def test_a_text_that_is_cut_within_a_letter_is_no_other_encoding(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"chat\.txt:4: cut off within a letter"):
        read_all(write(tmp_path / "chat.txt", (chat("de") + "13/02/2024, 21:08 - Kim: schö").encode()[:-1]))


@pytest.mark.parametrize("more", range(5))
def test_a_head_of_utf8_that_ends_within_a_letter_is_no_other_encoding(more: int) -> None:
    head = ("x" * more + "ж🍞" * 20_000).encode()[: 1 << 16]
    assert not is_legacy_text(head)
    assert is_legacy_text("привет".encode("koi8-r"))
    assert not is_legacy_text(b"\x00" + "привет".encode("koi8-r"))
