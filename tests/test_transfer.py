"""The benchmark of transfer: what its sets hold, and what its figures say of readers whose answers are known."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from helpers.labelled import grooming, labelled, ordinary
from typer.testing import CliRunner

from evaluation.transfer import first_sign, transfer_figures
from evaluation.transfer_table import transfer_table
from pipeline.config import Taxonomy
from pipeline.errors import ConfigError, CorpusError
from pipeline.evaluate.fit_surface import fit_surface
from pipeline.evaluate.plain_models import LengthModel
from pipeline.evaluate.transfer import evaluate_transfer, measure_transfer, score_transfer
from pipeline.evaluate.transfer_sets import (
    SEGMENT,
    TransferSets,
    after_ordinary,
    make_transfer_sets,
    one_side,
    segments,
    source_name,
)
from pipeline.model.base import Prediction, Utterance
from pipeline.model.folder import open_model_folder
from pipeline.training.context_dilution import BEFORE


@dataclass(frozen=True)
class Keyword:
    """A reader that gives a speaker a risk from the first message with a word on."""

    taxonomy: Taxonomy
    word: str = "secret"

    def predict(self, conversations: Sequence[Sequence[Utterance]]) -> list[Prediction]:
        """Return a prediction for each conversation."""
        return [self._one(one) for one in conversations]

    def _one(self, one: Sequence[Utterance]) -> Prediction:
        met: set[str] = set()
        own = []
        for speaker, text in one:
            met |= {speaker} if self.word in text else set()
            own.append(0.9 if speaker in met else 0.1)
        risk = np.asarray(own, np.float32)
        return Prediction(np.zeros((len(one), len(self.taxonomy.keys)), np.float32), risk, np.maximum.accumulate(risk))


@pytest.fixture
def sets() -> TransferSets:
    written = [*map(grooming, range(6)), *map(ordinary, range(6))]
    chats = [ordinary(number) for number in range(20, 60)]
    long = [labelled(f"long-{n}", [("a" if i % 3 else "b", f"word {n} {i}") for i in range(90)]) for n in range(3)]
    turned = [one for one in written if one.is_grooming]
    return TransferSets(
        written=written,
        sources={"one": chats[:20], "two": chats[20:]},
        joined={60: long},
        after={before: list(after_ordinary(turned, chats, before, seed=1)) for before in BEFORE},
        segments=[part for one in (*written, *long) for part in segments(one, seed=1)],
        one_side=[side for one in (*written, *long) if (side := one_side(one)) is not None],
    )


def test_a_reader_that_knows_the_sign_finds_all_and_flags_none(sets: TransferSets, taxonomy: Taxonomy) -> None:
    figures = measure_transfer(sets, Keyword(taxonomy), 0.5, say=lambda _: None)
    assert figures["against_all_sources"]["auc"]["value"] == 1.0
    assert figures["written"]["found"] == {"flagged": 6, "of": 6, "interval": figures["written"]["found"]["interval"]}
    assert figures["written"]["ordinary_flagged"]["flagged"] == 0
    assert figures["written"]["right_speaker"] == 1.0
    assert figures["written"]["messages_after_first_sign"] == 2.0
    assert figures["sources"]["one"]["threshold_of_others"]["found"]["flagged"] == 6
    assert [figures["after_ordinary"][str(before)]["found"] for before in BEFORE] == [6] * len(BEFORE)


def test_a_reader_that_flags_everything_is_told_so(sets: TransferSets, taxonomy: Taxonomy) -> None:
    figures = measure_transfer(sets, Keyword(taxonomy, word=""), 0.5, say=lambda _: None)
    assert figures["against_all_sources"]["auc"]["value"] == 0.5
    assert figures["sources"]["two"]["flagged"]["flagged"] == 20
    assert figures["after_ordinary"]["20"] == {"found": 0, "flagged_before_it_began": 6, "of": 6}
    assert figures["long_ordinary"]["60"]["flagged"]["flagged"] == 3


def test_ordinary_messages_stand_before_of_the_same_speakers_and_carry_nothing() -> None:
    one = grooming(1)
    (after,) = after_ordinary([one], [ordinary(1)], 7, seed=0)
    assert len(after.messages) == len(one.messages) + 7
    assert {message.speaker for message in after.messages} == {message.speaker for message in one.messages}
    assert all(stages == frozenset() for stages in after.stages[:7])
    assert after.stages[7:] == one.stages


def test_segments_hold_no_speaker_join_bursts_and_keep_the_signs() -> None:
    lines: list[tuple[str, ...]] = [("k", f"line {n}") for n in range(40)]
    lines[20:23] = [("p", "one"), ("p", "two", "secrecy"), ("p", "three")]
    parts = list(segments(labelled("x", lines, groomer="p"), seed=3))
    assert len(parts) == 1, "only the window with a sign is told"
    (part,) = parts
    assert {message.speaker for message in part.messages} == {"?"}
    assert any(message.text.endswith("two three") or "one two" in message.text for message in part.messages)
    assert [stages for stages in part.stages if stages] == [{"secrecy"}]
    assert part.groomers == {"?"}
    assert all(len(own.messages) <= SEGMENT[1] for own in parts)


def test_one_side_is_the_groomers_or_who_spoke_most() -> None:
    lines = [("k", f"a {n}") for n in range(12)] + [("p", f"b {n}") for n in range(9)]
    kept = one_side(labelled("x", lines, groomer="p"))
    assert kept is not None
    assert {message.speaker for message in kept.messages} == {"p"}
    other = one_side(labelled("y", lines))
    assert other is not None
    assert {message.speaker for message in other.messages} == {"k"}
    assert one_side(labelled("z", lines[:3])) is None


def test_the_table_has_a_column_a_model_and_a_row_a_figure(sets: TransferSets, taxonomy: Taxonomy) -> None:
    scores = score_transfer(sets, Keyword(taxonomy), say=lambda _: None)
    figures = json.loads(json.dumps(transfer_figures(scores, 0.5, taxonomy.keys)))
    lines = transfer_table({"ours": figures, "theirs": {}}).splitlines()
    assert lines[0] == "| | ours | theirs |"
    assert all(line.count("|") == 4 for line in lines)
    assert any(line.startswith("| one: flagged per 1,000 conversations | 0.0 (") for line in lines)
    assert all(line.endswith("| – |") for line in lines[2:]), "what another run lacks is told as missing"


def test_the_first_sign_is_none_where_nothing_is_labelled(sets: TransferSets, taxonomy: Taxonomy) -> None:
    scores = score_transfer(sets, Keyword(taxonomy), say=lambda _: None)
    assert [first_sign(one) for one in scores.written] == [1] * 6 + [None] * 6


def test_a_written_set_of_one_kind_is_refused(tmp_path: Path, taxonomy: Taxonomy) -> None:
    file = tmp_path / "a.chat"
    file.write_text(
        "language = en\nregion = GB\nplatform = x\nhard = no\nending = ordinary\n\n## a-1\nsituation = x\n"
        "A = boy, 13-15, male\nA: hi\n",
        "utf-8",
    )
    with pytest.raises(CorpusError, match="both kinds"):
        make_transfer_sets([file], [], taxonomy=taxonomy)


def test_readers_that_know_no_words_order_by_what_they_see(taxonomy: Taxonomy) -> None:
    shouting = [labelled(f"s-{n}", [("a", f"hey {n} !"), ("b", "what ?")] * (3 + n % 3), groomer="a") for n in range(8)]
    calm = [labelled(f"c-{n}", [("a", f"well {n}"), ("b", "yes")] * (3 + n % 3)) for n in range(8)]
    model = fit_surface([*shouting, *calm], taxonomy)
    loud, quiet = model.predict([[("a", "oi !"), ("b", "eh ?")] * 4, [("a", "oi"), ("b", "eh")] * 4])
    assert loud.risk[-1] > 0.5 > quiet.risk[-1]
    assert model.predict([[]])[0].risk.shape == (0,)
    short, long = LengthModel(taxonomy).predict([[("a", "x")] * 3, [("a", "x")] * 30])
    assert long.risk.max() > short.risk.max()


def test_a_source_is_named_after_its_file() -> None:
    assert source_name(Path("x/ubuntu-irc.jsonl.gz")) == "ubuntu-irc"
    assert source_name(Path("chitchat_dataset/dataset.json")) == "chitchat_dataset"


def test_what_another_run_saved_must_be_readable(tmp_path: Path, tiny_encoder_model: Path, root: Path) -> None:
    with pytest.raises(ConfigError, match=r"transfer\.json"):
        evaluate_transfer(tiny_encoder_model, [root / "data" / "transfer"], [], beside=[tmp_path / "transfer.json"], say=print)


def test_a_model_keeps_its_figures_and_its_card_leads_with_them(tmp_path: Path, tiny_encoder_model: Path, root: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_encoder_model, folder)
    chats = tmp_path / "chats.jsonl"
    lines = [
        {"conversation_id": f"c{chat}", "speaker": "AB"[row % 2], "timestamp": 60 * row, "text": f"the {chat} dog is {row} ready"}
        for chat in range(12)
        for row in range(30)
    ]
    chats.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    written = tmp_path / "written.chat"
    head = "language = en\nregion = GB\nplatform = x\nhard = no\nending = continued\n\n"
    talk = "".join(f"A: well well {n}\nB: yes then {n}\n" for n in range(12))
    turned = "## w-{n}\nsituation = x\nA = boy, 13-15, male\nB = man, adult, male, groomer\n{talk}B access: how old are you {n}\n"
    plain = "## p-{n}\nsituation = y\nA = boy, 13-15, male\nB = man, adult, male\n{talk}B: bye {n}\n"
    stages = "".join((turned if n % 2 else plain).format(n=n, talk=talk) for n in range(6))
    written.write_text(head + stages, "utf-8")
    table = evaluate_transfer(folder, [written], [chats], plain=[written], keep=True, out=tmp_path / "out", say=lambda _: None)
    opened = open_model_folder(folder)
    assert "transfer.json" in opened.hashes
    card = (folder / "MODEL_CARD.md").read_text("utf-8")
    assert table.splitlines()[0] in card
    assert card.index("What carries over") < card.index("What it is for")
    assert table == (tmp_path / "out" / "transfer.md").read_text("utf-8")
    assert table.splitlines()[0] == "| | model | surface features | length alone |"
    again = evaluate_transfer(folder, [written], [chats], beside=[tmp_path / "out"], say=lambda _: None)
    assert again == table


def test_the_command_needs_a_written_set(tiny_encoder_model: Path) -> None:
    from pipeline.cli.main import app

    done = CliRunner().invoke(app, ["evaluate", "transfer", "--model", str(tiny_encoder_model)])
    assert done.exit_code == 2
    assert "--written" in done.output
