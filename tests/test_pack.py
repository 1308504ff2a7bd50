"""The referral pack: what is in it, what is covered, and that a change of any byte is found and named."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pypdf
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from helpers.decided import AT, KEY, decision, entry
from helpers.packed import export
from typer.testing import CliRunner

from pipeline.cli.main import app
from pipeline.errors import ReviewError
from pipeline.results import Run
from pipeline.review.originals import read_originals
from pipeline.review.pack import make_pack
from pipeline.review.records import ConversationKey
from pipeline.review.referral.signing import check_pack, new_key, read_private_key, read_public_key
from pipeline.score import score

__all__ = ["export"]  # a fixture

SECRETS = [
    "Kimberly",
    "kimberly",
    "pat_the_gamer",
    "07700",
    "Acacia",
    "night_owl",
    "example.org",
    "owner-of-chat",
    "ana",
    "ben",
    "Rowan",
]


@pytest.fixture(scope="module")
def run(export: Path, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return score([export], model=tiny_model, out=tmp_path_factory.mktemp("runs") / "out", text="include")


def key_of(run: Run) -> ConversationKey:
    return ConversationKey(run.id, "inbox/kimberly_118")


def packed(run: Run, **options: Any) -> bytes:
    key = key_of(run)
    about: dict[str, Any] = {
        "decisions": [decision(key, note="Kimberly again, call 07700 900123")],
        "audit": [entry(key), entry(ConversationKey(key.run_id, "another"), 2)],
        "key": KEY,
        "at": AT,
        "models": (),
    }
    return make_pack(run, key.conversation_id, **(about | options))


def opened(pack: bytes) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(pack))
    return {name: archive.read(name) for name in archive.namelist()}


def pdf_text(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)


@pytest.fixture(scope="module")
def redacted(run: Run) -> dict[str, bytes]:
    return opened(packed(run))


@pytest.fixture(scope="module")
def whole(run: Run) -> dict[str, bytes]:
    return opened(packed(run, redacted=False))


def test_a_redacted_pack_names_nobody_in_any_of_its_files(redacted: dict[str, bytes]) -> None:
    for name, content in redacted.items():
        text = pdf_text(content) if name.endswith(".pdf") else content.decode("utf-8-sig")
        for secret in SECRETS:
            assert secret not in text.replace("banana", ""), (name, secret)
    assert "[SPEAKER B]" in redacted["messages.json"].decode()
    assert "READER 1" in redacted["decisions.json"].decode()


def test_an_unredacted_pack_holds_what_was_said_by_whom_and_where(whole: dict[str, bytes]) -> None:
    told = json.loads(whole["messages.json"])
    assert told["conversation_id"] == "inbox/kimberly_118"
    assert [m["name"] for m in told["messages"][:2]] == ["pat_the_gamer", "Kimberly Rowan"]
    assert told["messages"][2]["text"] == "ring 07700 900123 or night_owl or me@example.org"
    assert told["messages"][2]["source"].endswith("chat with owner-of-chat.jsonl, line 3")
    assert "NOT REDACTED" in whole["README.txt"].decode()
    assert "07700 900123" in pdf_text(whole["report.pdf"])


def test_the_pack_says_where_it_is_from(run: Run, export: Path, redacted: dict[str, bytes]) -> None:
    about = json.loads(redacted["run.json"])
    assert [e["sha256"] for e in about["exports"]] == [hashlib.sha256(export.read_bytes()).hexdigest()]
    assert about["model"]["id"] == run.record["model"]["id"]
    assert any("does not know who anybody is" in limit for limit in about["limits"])
    page = redacted["report.html"].decode()
    for words in (*about["limits"], run.record["model"]["id"], "refer", "A meeting is arranged"):
        assert words.replace("'", "&#39;") in page, words


def test_only_what_concerns_the_conversation_is_in_the_audit_extract(redacted: dict[str, bytes]) -> None:
    extract = json.loads(redacted["audit.json"])
    assert [e["number"] for e in extract["entries"]] == [1]
    assert json.loads(extract["entries"][0]["detail"])["reader"] == "READER 1"


def test_a_message_is_data_in_the_page_and_in_the_pdf(whole: dict[str, bytes]) -> None:
    page = whole["report.html"].decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in html.unescape(page)
    text = pdf_text(whole["report.pdf"])
    assert '#eval("1")' in text
    assert "*bold*" in text
    assert "U+1F9FF" in text
    assert "U+202E" in text


def test_the_pdf_is_tagged_and_made_to_be_kept(redacted: dict[str, bytes]) -> None:
    reader = pypdf.PdfReader(io.BytesIO(redacted["report.pdf"]))
    root = reader.root_object
    assert "/StructTreeRoot" in root
    assert root["/Lang"]
    metadata = bytes(reader.xmp_metadata.stream.get_data()) if reader.xmp_metadata else b""
    assert b"pdfuaid" in metadata
    assert b"pdfaid" in metadata


def test_no_cell_of_the_table_is_a_formula(redacted: dict[str, bytes]) -> None:
    rows = list(csv.DictReader(io.StringIO(redacted["messages.csv"].decode("utf-8-sig"))))
    assert len(rows) == 7
    assert rows[0]["text"].startswith("'=HYPERLINK")
    assert not [cell for row in rows for cell in row.values() if cell[:1] in tuple("=+-@\t\r")]


def test_report_fields_are_filled_from_the_pack_and_empty_where_nobody_can_know(whole: dict[str, bytes]) -> None:
    fields = json.loads(whole["report-fields.json"])
    report = fields["ncmec_cybertipline"]["report"]
    assert report["incidentSummary"]["incidentType"] is None
    assert report["incidentSummary"]["incidentDateTime"].startswith("2024-02-13T")
    assert report["internetDetails"]["chatImIncident"]["chatClient"]
    assert {report["personOrUserReported"]["screenName"], report["victim"]["screenName"]} <= {
        "Kimberly Rowan",
        "pat_the_gamer",
        None,
    }
    assert report["personOrUserReported"]["personOrUserReportedPerson"]["age"] is None
    assert fields["ceop"]["child_name"] is None
    table = {(row["report"], row["field"]): row for row in fields["mapping"]}
    assert len(table) == len(fields["mapping"])
    assert table["ncmec_cybertipline", "personOrUserReported.screenName"]["confirm"] is True
    assert table["ceop", "child_name"]["filled"] is False


def test_the_bytes_are_the_same_apart_from_the_time(run: Run) -> None:
    assert packed(run) == packed(run)
    assert packed(run) != packed(run, at=AT.replace(hour=13))
    assert json.loads(opened(packed(run, at=None))["manifest.json"])["signed_at"] > AT.isoformat()[:10]


def test_the_reference_is_steady_and_another_with_another_key(run: Run) -> None:
    def reference(pack: bytes) -> str:
        return json.loads(opened(pack)["manifest.json"])["reference"]

    assert reference(packed(run)) == reference(packed(run, redacted=False))
    assert reference(packed(run)) != reference(packed(run, key=Ed25519PrivateKey.from_private_bytes(bytes(32))))


@pytest.mark.parametrize(
    "fields",
    [{"second_reader": None, "second_at": None}, {"undone": AT}, {"replaced_by": 9}],
    ids=["second reader", "undone", "replaced"],
)
def test_there_is_no_pack_without_a_decision_that_holds(fields: dict[str, Any], run: Run) -> None:
    with pytest.raises(ReviewError, match="no decision on the conversation holds"):
        packed(run, decisions=[decision(key_of(run), **fields)])


def test_a_decision_on_another_run_makes_no_pack(run: Run) -> None:
    with pytest.raises(ReviewError):
        packed(run, decisions=[decision(ConversationKey("0" * 16, "inbox/kimberly_118"))])


def test_a_run_without_text_takes_it_from_the_original_and_from_no_other(export: Path, tiny_model: Path, tmp_path: Path) -> None:
    bare = score([export], model=tiny_model, out=tmp_path / "out")
    without = opened(packed(bare))
    assert "holds no words" in without["report.html"].decode()
    original = read_originals(bare, ["inbox/kimberly_118"])["inbox/kimberly_118"]
    told = json.loads(opened(packed(bare, original=original, redacted=False))["messages.json"])
    assert told["messages"][5]["text"] == "no, bye"
    changed = tmp_path / "changed.jsonl"
    changed.write_text(export.read_text("utf-8").replace("no, bye", "no bye"), "utf-8")
    with pytest.raises(ReviewError, match="SHA-256 differs"):
        read_originals(bare, ["inbox/kimberly_118"], exports=[changed])
    with pytest.raises(ReviewError, match="gone"):
        read_originals(bare, ["inbox/kimberly_118"], exports=[tmp_path / "nowhere.jsonl"])


def rewritten(pack: bytes, change: Any) -> bytes:
    parts = opened(pack)
    change(parts)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: p.update({"messages.csv": p["messages.csv"].replace(b"bye", b"hey")}), "messages.csv was changed"),
        (lambda p: p.pop("audit.json"), "audit.json was taken out"),
        (lambda p: p.update({"more.txt": b""}), "more.txt was put in"),
        (
            lambda p: p.update({"manifest.json": p["manifest.json"].replace(b'"redacted": true', b'"redacted": false')}),
            "manifest.json was changed",
        ),
        (lambda p: p.update({"manifest.sig": b"????"}), "manifest.json was changed"),
    ],
)
def test_the_check_names_what_was_changed(change: Any, words: str, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "pack.zip"
    file.write_bytes(packed(run))
    assert check_pack(file, KEY.public_key()).problems == []
    file.write_bytes(rewritten(file.read_bytes(), change))
    (problem,) = check_pack(file, KEY.public_key()).problems
    assert problem.startswith(words)


def test_every_flipped_byte_of_content_is_found(run: Run, tmp_path: Path) -> None:
    whole, file = packed(run), tmp_path / "pack.zip"
    for place in range(60, len(whole) - 1200, len(whole) // 60):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        try:
            found = bool(check_pack(file, KEY.public_key()).problems)
        except ReviewError:
            found = True
        # A flipped byte of a date in the zip's directory changes nothing that unpacks.
        assert found or opened(file.read_bytes()) == opened(whole), place


def test_another_key_did_not_sign_it(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "pack.zip"
    file.write_bytes(packed(run))
    public = read_public_key(new_key(tmp_path / "other.pem"))
    assert "signed with another key" in check_pack(file, public).problems[0]


def test_the_command_verifies(run: Run, tmp_path: Path) -> None:
    runner = CliRunner()
    made = runner.invoke(app, ["pack", "key", str(tmp_path / "k.pem")])
    assert made.exit_code == 0, made.output
    file = tmp_path / "pack.zip"
    file.write_bytes(packed(run, key=read_private_key(tmp_path / "k.pem")))
    good = runner.invoke(app, ["pack", "verify", str(file), "--key", str(tmp_path / "k.pem.pub")])
    assert (good.exit_code, "unchanged" in good.output, ", redacted," in good.output) == (0, True, True)
    file.write_bytes(rewritten(file.read_bytes(), lambda p: p.pop("report.pdf")))
    bad = runner.invoke(app, ["pack", "verify", str(file), "--key", str(tmp_path / "k.pem.pub")])
    assert (bad.exit_code, "report.pdf was taken out" in bad.output) == (1, True)


@pytest.mark.parametrize("redacted", [True, False])
def test_other_systems_get_the_messages_in_their_own_forms(run: Run, redacted: bool) -> None:
    parts = opened(packed(run, redacted=redacted))
    items = json.loads(parts["coop-items.json"])["items"]
    rows = list(csv.DictReader(io.StringIO(parts["thread.csv"].decode("utf-8"))))
    assert list(rows[0]) == ["content", "src", "target", "thread", "type", "contentId", "chat_type", "ip"]
    said = [message for message in json.loads(parts["messages.json"])["messages"] if message["text"]]
    assert [item["data"]["text"] for item in items[1:]] == [message["text"] for message in said]
    assert {item["id"] for item in items[1:]} <= {row["contentId"] for row in rows}
    assert all(set(item) == {"id", "typeId", "data"} for item in items)
    assert {row["chat_type"] for row in rows} == {"direct"}
    assert all(row["src"] != row["target"] for row in rows)
    assert not any(row["content"].startswith("=") for row in rows)
    assert ("Kimberly" in parts["thread.csv"].decode("utf-8")) != redacted
