"""Sets of indicators: each phrase is found, belongs to a stage, and ordinary talk of the same things does not hold it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import Taxonomy
from pipeline.errors import ConfigError
from pipeline.link.settings import IndicatorSettings, matcher, read_indicators, require_stages

SETS = sorted((Path(__file__).parent.parent / "configs" / "indicators").glob("*.toml"))
ACCOMMODATION = [path for path in SETS if path.stem == "accommodation"]


def found(indicators: tuple[IndicatorSettings, ...], text: str) -> set[str]:
    (cues,) = matcher({indicator.key: indicator.cues for indicator in indicators}).find([text])
    return {cue.stage for cue in cues}


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_every_phrase_is_found_and_every_indicator_is_of_a_stage_and_says_what_looks_alike(path: Path, taxonomy: Taxonomy) -> None:
    indicators = read_indicators([path])
    require_stages(indicators, taxonomy)
    for indicator in indicators:
        assert indicator.looks_alike, indicator.key
        for phrase in (phrase for phrases in indicator.cues.values() for phrase in phrases):
            assert indicator.key in found(indicators, f"so, {phrase}, they said"), phrase


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("Room 12: booked for a young woman, no luggage, he paid cash", {"booked_for_young_person", "cash"}),
        ("visitors all night at 214, they use the side door", {"several_visitors"}),
        ("she was dropped off by the same car again", {"lifts_arranged"}),
        ("he did all the talking, she looked scared", {"controlled"}),
        ("Zahlt bar, kein Ausweis, verschiedene Männer an der Tür", {"cash", "booked_for_young_person", "several_visitors"}),
        ("family of four, two cots, breakfast at eight", set()),
        ("guest asks for a quiet room and a late check-out, pays by card", set()),
        ("wedding party in the hall, forty visitors, taxis at midnight", set()),
    ],
)
def test_notes_of_accommodation_staff_hold_their_indicators_and_ordinary_notes_none(note: str, expected: set[str]) -> None:
    assert found(read_indicators(ACCOMMODATION), note) == expected


def test_ordinary_chats_of_the_written_network_hold_no_indicator_of_accommodation(root: Path) -> None:
    text = "\n".join(path.read_text("utf-8") for path in sorted((root / "data" / "network").rglob("*.txt")))
    assert found(read_indicators(ACCOMMODATION), text) == set()


def test_two_sets_with_one_key_and_an_unknown_stage_are_refused(taxonomy: Taxonomy) -> None:
    with pytest.raises(ConfigError, match="in another set too"):
        read_indicators([*ACCOMMODATION, *ACCOMMODATION])
    strange = read_indicators(ACCOMMODATION)[0].model_copy(update={"stage": "weather"})
    with pytest.raises(ConfigError, match="weather"):
        require_stages([strange], taxonomy)
