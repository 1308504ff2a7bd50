"""The report of a pack, for people: one HTML page that asks the network for nothing, and a PDF.

The PDF is set by Typst (one wheel without system libraries, where WeasyPrint needs Pango and the system's fonts, so that its
bytes differ from machine to machine). It is tagged for screen readers (PDF/UA-1) and made to be kept (PDF/A-2a), with the fonts
beside this file. Message text reaches it as data, never as markup.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import typst
from fontTools.ttLib import TTFont
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.errors import ReviewError
from pipeline.report.chart import WIDTH, risk_path, start_of, y_of
from pipeline.review.referral.content import Content

_PACKAGE = "pipeline.review.referral"
_PLACEHOLDER = re.compile(r"\[(?:[A-Z]+ )+[A-Z0-9]+\]|\[TITLE\]")


def render_html(content: Content, at: datetime) -> bytes:
    """Return the report as one HTML page without scripts; its policy forbids every request."""
    style = files(_PACKAGE).joinpath("pack.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode()
    page = (
        _environment()
        .get_template("pack.html")
        .render(
            c=content,
            at=at,
            style=Markup(style),  # noqa: S704 - our own file
            policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        )
    )
    return page.encode("utf-8", "replace")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE, "."), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(risk_path=risk_path, start_of=start_of, y_of=y_of, width=WIDTH)
    environment.filters["pieces"] = pieces
    environment.filters["moment"] = moment
    return environment


def pieces(text: str) -> list[tuple[str, bool]]:
    """Return a redacted text cut up: each piece, and whether it is a placeholder."""
    cut = []
    after = 0
    for match in _PLACEHOLDER.finditer(text):
        cut += [(text[after : match.start()], False), (match[0], True)]
        after = match.end()
    return [(piece, covered) for piece, covered in (*cut, (text[after:], False)) if piece]


def moment(timestamp: str | None) -> str:
    """Return a time as people read it: to the second, and with its zone where the export has one."""
    if not timestamp:
        return ""
    return re.sub(r"\.\d+", "", timestamp).replace("T", " ").replace("+00:00", " UTC")


def render_pdf(content: Content, at: datetime) -> bytes:
    """Return the report as a PDF.

    Raises
    ------
    ReviewError
        When it cannot be set.
    """
    fonts = [Path(str(files(_PACKAGE).joinpath("fonts")))]
    data = {
        **_printable(asdict(content)),
        "at": moment(at.isoformat(timespec="seconds")),
        "path": _chart(content),
    }
    try:
        return typst.compile(
            Path(str(files(_PACKAGE).joinpath("pack.typ"))),
            font_paths=fonts,
            ignore_system_fonts=True,
            sys_inputs={"data": json.dumps(data, ensure_ascii=True)},
            format="pdf",
            pdf_standards=["a-2a", "ua-1"],
            timestamp=at,
        )
    except typst.TypstError:
        # Its message can hold words of the chat.
        raise ReviewError(
            "the PDF of the pack cannot be set", do="Report it with the version of typst; the words are not in this line"
        ) from None


def _chart(content: Content) -> Sequence[Sequence[float]]:
    """Return the running risk as points of a step line, thinned to its highest a step, x and y in [0, 1]."""
    risks = [message.risk for message in content.messages]
    stride = max(1, -(-len(risks) // 300))
    points: list[tuple[float, float]] = [(0.0, 0.0)]
    for start in range(0, len(risks), stride):
        x, y = round(start / len(risks), 4), round(max(risks[start : start + stride]), 4)
        points += [(x, points[-1][1]), (x, y)]
    return [*points, (1.0, points[-1][1])]


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {printable(str(key)): _printable(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_printable(part) for part in value]
    return round(value, 4) if isinstance(value, float) else value


def printable(text: str) -> str:
    """Return a text with what the PDF's fonts have no sign for written as its code point, ``⟨U+1F9FF⟩``; nothing is left out.

    So are marks that turn the direction of a line round, which can make a reader read what is not there.
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\t", "    "))
    return "".join(c if c == "\n" or (ord(c) in _signs() and c not in _TURNING) else f"⟨U+{ord(c):04X}⟩" for c in text)


_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


@lru_cache(maxsize=1)
def _signs() -> frozenset[int]:
    """Return the code points that both fonts have a sign for."""
    folder = Path(str(files(_PACKAGE).joinpath("fonts")))
    signs = []
    for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"):
        with TTFont(folder / name, lazy=True) as font:
            signs.append(frozenset(font.getBestCmap() or ()))
    return frozenset.intersection(*signs)
