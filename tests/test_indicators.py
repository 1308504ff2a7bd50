"""Sets of indicators: each phrase is found, belongs to a stage, and ordinary talk of the same things does not hold it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import Taxonomy
from pipeline.errors import ConfigError
from pipeline.link.settings import IndicatorSettings, matcher, read_indicators, require_stages

SETS = sorted((Path(__file__).parent.parent / "configs" / "indicators").glob("*.toml"))
ACCOMMODATION, TRANSPORT, SCHOOLS = (
    [path for path in SETS if path.stem == name] for name in ("accommodation", "transport", "schools")
)


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


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("Job 88: booked for a girl, man on the phone gave the address", {"paid_journey"}),
        ("third girl this week, same address again, picked up outside the school", {"same_pick_up"}),
        ("she did not know where she was going, met by an older man", {"out_at_night"}),
        ("on the phone the whole way and would not say her name", {"told_what_to_say"}),
        ("Einfache Fahrt für ein Kind, wieder dieselbe Adresse", {"paid_journey", "same_pick_up"}),
        ("mum paid by card, two lads home from football, receipt sent", set()),
        ("school run cancelled, minibus at the garage", set()),
        ("passenger asleep on the last train, woken at the terminus, got a night bus home", set()),
    ],
)
def test_notes_of_transport_staff_hold_their_indicators_and_ordinary_notes_none(note: str, expected: set[str]) -> None:
    assert found(read_indicators(TRANSPORT), note) == expected


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("Missing again on Thursday, won't say where", {"missing_episodes"}),
        ("second phone in her bag, new trainers nobody bought", {"unexplained_things"}),
        ("collected by an older man, not on the collection list", {"older_contacts"}),
        ("dropped all her friends and panics when the phone rings", {"withdrawn"}),
        ("she is taking other pupils to meet him", {"bring_classmates"}),
        ("Segundo móvil, y no está en la lista de recogida", {"unexplained_things", "older_contacts"}),
        ("absent for the dentist, mum rang, back after lunch", set()),
        ("her brother collects on Fridays, he is on the list", set()),
        ("new phone for her birthday, please remind her of the rules", set()),
    ],
)
def test_notes_of_schools_hold_their_indicators_and_ordinary_notes_none(note: str, expected: set[str]) -> None:
    assert found(read_indicators(SCHOOLS), note) == expected


@pytest.mark.parametrize("path", [*ACCOMMODATION, *TRANSPORT, *SCHOOLS], ids=lambda path: path.stem)
def test_chats_of_the_written_network_hold_no_indicator_of_a_profession(path: Path, root: Path) -> None:
    text = "\n".join(file.read_text("utf-8") for file in sorted((root / "data" / "network").rglob("*.txt")))
    assert found(read_indicators([path]), text) == set()


def test_all_sets_can_be_given_at_once(taxonomy: Taxonomy) -> None:
    require_stages(read_indicators(SETS), taxonomy)


def test_two_sets_with_one_key_and_an_unknown_stage_are_refused(taxonomy: Taxonomy) -> None:
    with pytest.raises(ConfigError, match="in another set too"):
        read_indicators([*ACCOMMODATION, *ACCOMMODATION])
    strange = read_indicators(ACCOMMODATION)[0].model_copy(update={"stage": "weather"})
    with pytest.raises(ConfigError, match="weather"):
        require_stages([strange], taxonomy)
