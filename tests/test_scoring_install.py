"""Every command of `--help` where only scoring is installed: it works, or it names the extra that it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from pipeline.cli.main import app

EXTRAS = (
    *("accelerate", "matplotlib", "mlflow", "nncf", "onnx", "peft", "scipy", "sklearn", "torch", "transformers"),
    *("alembic", "argon2", "cryptography", "fastapi", "starlette", "fontTools", "psycopg", "python_multipart", "multipart"),
    *("sqlalchemy", "typst", "prometheus_client", "redis", "uvicorn", "ray", "openvino", "spacy", "datasets", "pyspark", "py7zr"),
    *("duckdb", "rustworkx", "graspologic_native"),
)
"""What the extras install, and is not to be there."""

NEEDS: dict[str, tuple[str | None, list[str]]] = {
    "formats": (None, []),
    "inspect": (None, ["CHAT"]),
    "convert": (None, ["CHAT", "--to", "jsonl", "--out", "chats.jsonl"]),
    "score": (None, ["CHAT", "--model", "MODEL", "--out", "run"]),
    "report": (None, ["run"]),
    "evaluate": (None, ["--corpus", "corpus.csv", "--split", "all", "--model", "MODEL", "--rounds", "20", "--out", "evaluation"]),
    "evaluate suite": (None, ["--model", "MODEL"]),
    "evaluate drift": (None, ["CHAT", "--model", "MODEL"]),
    "evaluate recompute": (None, ["evaluation", "--rounds", "20"]),
    "evaluate transfer": (None, ["--written", "corpus.csv", "--model", "MODEL", "--most", "1"]),
    "threshold": (None, ["evaluation", "--recall", "0.9"]),
    "compare": (None, ["evaluation", "evaluation"]),
    "corpus split": (None, ["corpus.csv", "--out", "splits.json", "--taxonomy", "TAXONOMY"]),
    "corpus briefs": (None, ["CONFIGS/writing.toml", "--count", "1"]),
    "corpus build": (
        None,
        ["corpus.csv", "--splits", "splits.json", "--out", "c", "--config", "CONFIGS/composition.toml", "--taxonomy", "TAXONOMY"],
    ),
    "corpus active": (None, ["run"]),
    "corpus check": (None, ["corpus.csv", "--taxonomy", "TAXONOMY"]),
    "corpus card": (None, ["corpus.csv", "--taxonomy", "TAXONOMY"]),
    "train": ("train", ["--config", "CONFIGS/baseline.toml", "--corpus", "corpus.csv", "--out", "model"]),
    "corpus from-review": ("review", ["review.db", "--out", "labels.jsonl"]),
    "pack make": ("review", ["run", "c", "--key", "key.pem", "--out", "pack.zip"]),
    "pack verify": ("review", ["pack.zip", "--key", "key.pem.pub"]),
    "pack key": ("review", ["key.pem"]),
    "review": ("review", ["run", "--single-user"]),
    "practice": ("review", []),
    "serve": ("serve", []),
    "serve-key": (None, ["shop", "--keys", "keys.txt"]),
    "stream work": ("stream", []),
    "stream add": ("stream", ["CHAT"]),
    "readers add": ("review", ["ana", "--role", "admin"]),
    "readers list": ("review", []),
    "readers change": ("review", ["ana"]),
    "readers password": ("review", ["ana"]),
    "readers unlock": ("review", ["ana"]),
    "readers reset-factor": ("review", ["ana"]),
    "audit verify": ("review", []),
    "audit renew-head": ("review", ["--reason", "moved"]),
    "link": ("link", ["run", "--out", "links"]),
    "case add": ("review", ["2026-1", "run"]),
    "case list": ("review", []),
    "case open": ("review", ["2026-1", "--purpose", "check"]),
    "case show": ("review", ["2026-1"]),
    "case timeline": ("review", ["2026-1"]),
    "case export": ("review", ["2026-1", "--key", "key.pem", "--out", "case.zip"]),
    "purge": ("review", ["--older-than", "90", "--yes"]),
    "forget": ("review", ["ana", "--yes"]),
}
"""The extra that a command needs, and arguments with which it gets so far; in an order in which each finds its files."""

PROGRAM = """
import contextlib, io, json, sys, traceback
sys.modules.update(dict.fromkeys({extras!r}))
from pipeline.cli.main import main
ended = {{}}
for command, arguments in {commands!r}:
    sys.argv = ["safelight", *command.split(), *arguments]
    told, code = io.StringIO(), 0
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(told):
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code or 0
        except BaseException:
            code = -1
            traceback.print_exc()
    ended[command] = (code, told.getvalue())
print(json.dumps(ended))
"""


def commands(group: object, path: tuple[str, ...] = ()) -> list[str]:
    members = getattr(group, "commands", None)
    if members is None:
        return [" ".join(path)]
    alone = [" ".join(path)] if path and getattr(group, "invoke_without_command", False) else []
    return alone + [found for name, member in members.items() for found in commands(member, (*path, name))]


@pytest.fixture(scope="module")
def ended(root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """How each command ended, and what it said."""
    folder = tmp_path_factory.mktemp("scoring")
    rows = [
        f"c{chat},{speaker},2024-02-13T21:0{minute}:11Z,loaf {chat}{minute} is baked of rye {chat} and {minute},ordinary,{flag}"
        for chat in range(60)
        for minute, (speaker, flag) in enumerate((("kim", "no"), ("pat", "yes" if chat % 2 else "no")))
    ]
    (folder / "corpus.csv").write_text("\n".join(["conversation_id,speaker,timestamp,text,stages,groomer", *rows]) + "\n", "utf-8")
    places = {
        "CHAT": root / "data" / "samples" / "whatsapp-family.txt",
        "MODEL": root / "models" / "default",
        "TAXONOMY": root / "configs" / "taxonomy.toml",
    }
    given = [
        (command, [str(places.get(part, part)).replace("CONFIGS", str(root / "configs")) for part in arguments])
        for command, (_, arguments) in NEEDS.items()
    ]
    program = PROGRAM.format(extras=EXTRAS, commands=given)
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_every_command_is_tried() -> None:
    assert sorted(commands(typer.main.get_command(app))) == sorted(NEEDS)


@pytest.mark.parametrize("command", NEEDS)
def test_a_command_works_or_names_its_extra(command: str, ended: dict[str, tuple[int, str]]) -> None:
    code, told = ended[command]
    extra = NEEDS[command][0]
    assert code == (2 if extra else 0), told
    assert "Traceback" not in told
    if extra is not None:
        assert f"pip install 'safelight[{extra}]'" in told
