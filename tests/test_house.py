"""The house keeps its shape: what imports what, what a wheel holds, what an error tree looks like."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import pipeline.errors

# A room may import from rooms to its left, and from itself.
ORDER = [
    {"printable"},
    {"schema", "errors", "alerts", "digests"},
    {"config", "package_data"},
    {"recipes"},
    {"thresholds"},
    {"ingest", "text", "redaction", "output", "cards"},
    {"inspect", "convert"},
    {"corpora"},
    {"model"},
    {"results"},
    {"summaries"},
    {"report"},
    {"link"},
    {"scoring"},
    {"score"},
    {"suite", "stream", "predictions", "practice"},
    {"review"},
    {"serve", "osprey"},
    {"tracking"},
    {"training"},
    {"evaluate"},
    {"api", "ngram_classifier"},
    {"cli"},
]


def _rank(room: str) -> int:
    return next(rank for rank, rooms in enumerate(ORDER) if room in rooms)


def _imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


def _room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "pipeline" and len(parts) > 1 else None


def test_imports_run_one_way(root: Path) -> None:
    wrong = []
    for file in (root / "pipeline").rglob("*.py"):
        own = file.relative_to(root / "pipeline").with_suffix("").parts[0]
        if own == "__init__":
            continue
        for module in _imports(file):
            room = _room(module)
            if room is not None and room != own and _rank(room) >= _rank(own):
                wrong.append(f"{own} imports {room}: {file.name}")
    assert wrong == []


def test_scoring_imports_nothing_of_training(root: Path) -> None:
    inference = [root / "pipeline" / "score.py", root / "pipeline" / "suite.py", *(root / "pipeline" / "scoring").rglob("*.py")]
    inference += (root / "pipeline" / "model").rglob("*.py")
    wrong = [file.name for file in inference if any("training" in module.split(".") for module in _imports(file))]
    assert wrong == []


def test_no_module_of_models_imports_itself_through_others(root: Path) -> None:
    files = {".".join(file.relative_to(root).with_suffix("").parts): file for file in (root / "pipeline" / "model").rglob("*.py")}
    imported = {name: _imports(file) & files.keys() for name, file in files.items()}
    TopologicalSorter(imported).prepare()  # raises CycleError


def test_evaluation_stands_on_the_first_rooms_alone(root: Path) -> None:
    rooms = {_room(module) for file in (root / "evaluation").rglob("*.py") for module in _imports(file)}
    assert rooms - {None} <= {"schema", "errors", "alerts", "config", "digests", "thresholds"}


HEAVY = {
    *("torch", "transformers", "accelerate", "datasets", "peft", "sklearn", "mlflow", "nncf", "onnx", "ray"),
    *("openvino", "spacy", "duckdb", "rustworkx", "graspologic_native"),
}


def test_scoring_needs_no_library_of_an_extra(root: Path) -> None:
    pipeline = root / "pipeline"
    training = {pipeline / "training", pipeline / "tracking", pipeline / "link"}
    on_demand = {
        pipeline / "evaluate" / "fit_surface.py",
        pipeline / "model" / "encoder" / "network.py",
        pipeline / "model" / "encoder" / "runtime.py",
        pipeline / "model" / "encoder" / "torch_runtime.py",
        pipeline / "redaction" / "names.py",
        pipeline / "scoring" / "engines" / "ray_engine.py",
    }
    wrong = [
        f"{file.name}: {module}"
        for file in (root / "pipeline").rglob("*.py")
        for module in _imports(file)
        if module.split(".")[0] in HEAVY and training.isdisjoint(file.parents) and file not in on_demand
    ]
    assert wrong == []


def test_the_shipped_model_scores_where_no_library_of_an_extra_can_be_imported(root: Path, tmp_path: Path) -> None:
    blocked = ", ".join(f"{name!r}: None" for name in sorted(HEAVY | {"scipy"}))
    program = (
        f"import sys; sys.modules.update({{{blocked}}})\n"
        "from pipeline.cli.main import app\n"
        f"app(['score', {str(root / 'data' / 'samples')!r}, '--model', {str(root / 'models' / 'default')!r}, '--out', 'out'])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "report.html").is_file()


@pytest.mark.parametrize(
    "command",
    [
        ["train", "--config", "CONFIGS/baseline.toml", "--corpus", "corpus.csv", "--out", "model"],
    ],
    ids=["train"],
)
def test_a_command_that_needs_training_libraries_names_the_extra(command: list[str], root: Path, tmp_path: Path) -> None:
    rows = [f"c{n},kim,2024-02-13T21:05:11Z,we bake loaf number {n} of rye,ordinary" for n in range(4)]
    (tmp_path / "corpus.csv").write_text("\n".join(["conversation_id,speaker,timestamp,text,label", *rows]), "utf-8")
    arguments = [part.replace("CONFIGS", str(root / "configs")) for part in command]
    blocked = ", ".join(f"{name!r}: None" for name in sorted(HEAVY | {"scipy"}))
    program = (
        f"import sys; sys.modules.update({{{blocked}}})\n"
        f"sys.argv = ['safelight', *{arguments!r}]\n"
        "from pipeline.cli.main import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "safelight[train]" in done.stderr


def test_the_error_tree_in_the_docstring_is_the_one_in_the_code() -> None:
    drawn = set(re.findall(r"^\W*([A-Z]\w+) {2,}", pipeline.errors.__doc__ or "", re.MULTILINE))
    assert drawn == set(pipeline.errors.__all__)
    for name in pipeline.errors.__all__:
        assert issubclass(getattr(pipeline.errors, name), pipeline.errors.SafelightError)


def test_every_room_and_module_says_what_it_is(root: Path) -> None:
    for package in ("pipeline", "evaluation"):
        for file in (root / package).rglob("*.py"):
            assert ast.get_docstring(ast.parse(file.read_text("utf-8"))), file


ROOT = Path(__file__).parents[1]
LONGEST_FILE = 300
VAGUE = {"found", "one", "own", "told"}


def _sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def test_no_file_has_more_than_300_lines() -> None:
    lengths = {
        path: len(path.read_text("utf-8").splitlines()) for path in _sources("pipeline", "evaluation", "docs", "examples", "tests")
    }
    assert {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def _names_bound(tree: ast.Module) -> list[tuple[str, int]]:
    """Return each variable and parameter of the functions, and its line."""
    nodes = [node for function in ast.walk(tree) if isinstance(function, ast.FunctionDef) for node in ast.walk(function)]
    variables = [(node.id, node.lineno) for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    return variables + [(node.arg, node.lineno) for node in nodes if isinstance(node, ast.arg)]


def test_a_variable_says_what_it_holds() -> None:
    bound = {path: _names_bound(ast.parse(path.read_text("utf-8"))) for path in _sources("pipeline", "evaluation")}
    vague = [f"{path.relative_to(ROOT)}:{line}: {name}" for path, names in bound.items() for name, line in names if name in VAGUE]
    assert vague == []
