"""Output that appears whole or not at all: written beside its place, then renamed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import ResultsError
from pipeline.printable import OBEYED

WORK, REPLACED = "new.", "replaced"
_OBEYED = re.compile(f"[{OBEYED}]")


@contextmanager
def new_folder(place: Path, *, overwrite: bool, marker: str, inside: Path | None = None, private: bool = True) -> Iterator[Path]:
    """Yield an empty folder to write into; it becomes ``place`` in one rename when the block ends well.

    When the block raises, nothing is left behind. A folder that is there already is replaced only with ``overwrite``, and only if
    it holds ``marker``, so that nobody's other files are lost by a slip. ``inside`` is a folder on the same disk to work in, which
    whoever gave it clears after a run that was killed. Only the owner can read what is ``private``, whatever the umask.

    Raises
    ------
    ResultsError
        When the place is taken, or cannot be written.
    """
    check_place(place, overwrite=overwrite, marker=marker)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{place.name}." if inside is None else WORK, dir=inside or place.parent))
    except OSError as error:
        raise ResultsError(f"cannot be written ({error.strerror})", where=str(place), do="Give another --out") from error
    try:
        yield folder
        if private:
            make_private(folder)
        else:
            folder.chmod(0o777 & ~_umask())
        _swap(folder, place, inside)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_place(place: Path, *, overwrite: bool, marker: str) -> None:
    """Refuse a place that holds something we may not replace."""
    if not place.exists():
        return
    if not place.is_dir():
        raise ResultsError("there is a file in the way", where=str(place), do="Give another --out")
    if not any(place.iterdir()):
        return
    if not (place / marker).is_file():
        raise ResultsError(f"the folder is not empty and holds no {marker}", where=str(place), do="Give another --out")
    if not overwrite:
        raise ResultsError("there are results here already", where=str(place), do="Give another --out, or add --overwrite")


def _swap(folder: Path, place: Path, inside: Path | None) -> None:
    if not place.exists():
        folder.rename(place)
        return
    if inside is not None:
        place.rename(inside / REPLACED)
        folder.rename(place)
        return
    with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as aside:
        place.rename(Path(aside) / place.name)
        folder.rename(place)


def clear_work(inside: Path, place: Path) -> None:
    """Clear what a run that was killed left in the folder that it worked in; results that it had just moved aside come back."""
    replaced = inside / REPLACED
    if replaced.exists() and not place.exists():
        replaced.rename(place)
    for left in (*inside.glob(f"{WORK}*"), replaced):
        shutil.rmtree(left, ignore_errors=True)


def make_private(folder: Path) -> None:
    """Let only the owner read a folder and all in it."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)


def private_file(path: Path) -> Path:
    """Return the path of a file that only its owner can read, made where there is none."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def new_file(place: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a path to write to; what is written becomes the file ``place`` in one rename when the block ends well.

    Only the owner can read it.

    Raises
    ------
    ResultsError
        When the place is taken, or cannot be written.
    """
    if place.is_dir():
        raise ResultsError("there is a folder in the way", where=str(place), do="Give another --out")
    if place.exists() and not overwrite:
        raise ResultsError("there is a file here already", where=str(place), do="Give another --out, or add --overwrite")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as folder:
            file = Path(folder) / place.name
            yield file
            file.chmod(0o600)
            file.replace(place)
    except OSError as error:
        raise ResultsError(f"cannot be written ({error.strerror})", where=str(place), do="Give another --out") from error


def write_json(path: Path, content: object, *, compact: bool = False) -> None:
    """Write JSON that reads well in a diff, or with ``compact`` in little space.

    Letters beyond ASCII that a terminal would obey are escaped.
    """
    spacing: dict[str, Any] = {"separators": (",", ":")} if compact else {"indent": 2}
    text = _OBEYED.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(content, ensure_ascii=False, **spacing))
    path.write_text(text + "\n", "utf-8")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hashes_of(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of some files of a folder, by name."""
    return {name: sha256_of(folder / name) for name in names}


def noted_hashes(record: Path, *, do: str) -> Mapping[str, str]:
    """Return the hashes that a JSON file notes of the files beside it, by name; none where it notes none.

    Raises
    ------
    ResultsError
        When it is damaged; ``do`` says what to do then.
    """
    try:
        return dict(json.loads(record.read_bytes()).get("files", {}))
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ResultsError("the record of the files is damaged", where=str(record), do=do) from error


def require_unchanged(folder: Path, current: Mapping[str, str], noted: Mapping[str, str], *, do: str) -> None:
    """Compare the hashes that files of a folder have, as `hashes_of` gives them, with those noted; without one, none is compared.

    Raises
    ------
    ResultsError
        When a file was changed; ``do`` says what to do then.
    """
    for name, digest in current.items():
        if noted.get(name, digest) != digest:
            raise ResultsError("the file was changed after it was written: its SHA-256 differs", where=str(folder / name), do=do)
