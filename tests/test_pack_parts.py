"""The parts of a referral pack alone: cells of its table, characters of its pages, and keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ReviewError
from pipeline.review.referral.page import printable
from pipeline.review.referral.signing import new_key, read_private_key, read_public_key
from pipeline.review.referral.tables import safe_cell


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", " =1", "\t=1", "\r=1", "\n=1", "\u200b=1", "＝1", "\ufeff=1", "|x", "\tx"]
)
def test_what_a_spreadsheet_would_calculate_gets_an_apostrophe(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["hello", "a=1", "", "1", "🙂 = ok"])
def test_other_cells_stay(text: str) -> None:
    assert safe_cell(text) == text


def test_keys_are_made_once_and_private(tmp_path: Path) -> None:
    private = tmp_path / "k.pem"
    public = new_key(private)
    assert private.stat().st_mode & 0o077 == 0
    read_private_key(private).public_key().verify(read_private_key(private).sign(b"x"), b"x")
    for wrong in (
        lambda: new_key(private),
        lambda: read_private_key(public),
        lambda: read_public_key(private),
        lambda: read_public_key(tmp_path / "no"),
    ):
        with pytest.raises(ReviewError):
            wrong()


def test_what_the_fonts_lack_is_written_as_its_code_point() -> None:
    assert printable("Zoë Привет\n😀 日") == "Zoë Привет\n" + printable("😀") + " ⟨U+65E5⟩"
    assert printable("a\x00b\x1b") == "a⟨U+0000⟩b⟨U+001B⟩"
