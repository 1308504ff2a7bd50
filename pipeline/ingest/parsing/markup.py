"""The words of a message that is written in HTML or in Skype's XML, told from what it quotes."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree, html  # pyright: ignore[reportAttributeAccessIssue] - it has no types

_BREAKS = frozenset({"br"})
_BLOCKS = frozenset({"p", "div", "li", "tr", "blockquote", "quote", "h1", "h2", "h3", "pre"})
_UNSEEN = frozenset({"legacyquote", "script", "style", "attachment", "e_m"})
_QUOTES = frozenset({"quote", "blockquote"})


@dataclass(slots=True)
class Words:
    """The text that a person wrote, what they quoted, and the files and pictures named in it."""

    text: str = ""
    quoted: list[dict[str, str]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


def words_of(markup: str) -> Words:
    """Return what a piece of markup says; broken markup is read as browsers do."""
    words = Words()
    if not markup.strip():
        return words
    if "<" not in markup and "&" not in markup:
        words.text = markup
        return words
    try:
        tree = html.fragment_fromstring(_readable(markup), create_parent=True)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        words.text = markup
        return words
    words.text = _text(tree, words).strip("\n")
    return words


def _readable(markup: str) -> str:
    """Return the markup without the control characters that no markup may hold."""
    return "".join(character for character in markup if character >= " " or character in "\t\n\r")


def _text(element: etree._Element, words: Words) -> str:
    parts = [element.text or ""]
    for child in element:
        parts += [_of_child(child, words), child.tail or ""]
    return "".join(parts)


def _of_child(child: etree._Element, words: Words) -> str:
    tag = child.tag if isinstance(child.tag, str) else ""
    if not tag or tag in _UNSEEN:
        return ""
    if tag in _BREAKS:
        return "\n"
    if tag in _QUOTES:
        inner = Words()
        author = child.get("authorname") or child.get("author") or ""
        words.quoted.append({"text": _text(child, inner).strip("\n"), **({"speaker": author} if author else {})})
        words.quoted += inner.quoted
        words.files += inner.files
        return ""
    if tag == "uriobject":
        original = child.find(".//originalname")
        words.files.append((original.get("v") if original is not None else None) or child.get("uri") or "file")
        return ""
    if tag == "img":
        shown = child.get("alt") or ""
        if not (child.get("itemtype") or "").endswith("Emoji"):
            words.files.append(child.get("src") or shown or "picture")
            return ""
        return shown
    if tag == "emoji":
        return child.get("alt") or _text(child, words)
    text = _text(child, words)
    return f"{text}\n" if tag in _BLOCKS else text
