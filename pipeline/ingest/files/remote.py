"""Exports on S3, Google Cloud Storage or Azure: copied to a private folder through fsspec, read there, and deleted.

What is read keeps its address as its name, so that results and warnings name the object and not the copy.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError, ExportError
from pipeline.ingest.files.shown import show_as, show_no_longer

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

EXTRAS = {
    **dict.fromkeys(("s3", "s3a"), "s3"),
    **dict.fromkeys(("gs", "gcs"), "gcs"),
    **dict.fromkeys(("az", "abfs", "abfss", "adl"), "azure"),
}
"""The extra that holds the library for each kind of address."""

LOCAL = ("file", "local", "memory")
"""Kinds that fsspec reads by itself."""

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.+)", re.DOTALL)


def is_remote(path: str) -> bool:
    """Tell an address such as s3://bucket/exports from a path."""
    return _ADDRESS.fullmatch(path) is not None


@contextmanager
def local_paths(paths: Sequence[str]) -> Iterator[list[Path]]:
    """Hand out a path for each path or address; copies of what lies elsewhere are deleted at the end.

    Raises
    ------
    ConfigError
        When the kind of address is not known, or the library for it is not installed.
    ExportError
        When there is nothing at an address, or it cannot be copied whole.
    """
    if not any(map(is_remote, paths)):
        yield [Path(path) for path in paths]
        return
    folder = Path(mkdtemp(prefix="safelight-"))  # only its owner may open it
    try:
        yield [_copied(path, folder / str(number)) if is_remote(path) else Path(path) for number, path in enumerate(paths)]
    finally:
        show_no_longer(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _copied(address: str, into: Path) -> Path:
    system, place = _open(address)
    with _named(address):
        objects = system.find(place)
        if not objects:
            raise ExportError("there is nothing at this address", where=address, do="Check the address and what you may read there")
        if objects == [place]:
            target = into / PurePosixPath(place).name
            show_as(target, address)
            _copy(system, place, target)
            return target
        show_as(into, address.rstrip("/"))
        for each in objects:
            _copy(system, each, into.joinpath(*_parts(each.removeprefix(place))))
    return into


def _open(address: str) -> tuple[AbstractFileSystem, str]:
    kind = address.partition("://")[0].lower()
    extra = EXTRAS.get(kind)
    if extra is None and kind not in LOCAL:
        known = ", ".join(f"{name}://" for name in EXTRAS)
        raise ConfigError(f"addresses of the kind {kind}:// are not read", where=address, do=f"Give a path, or one of {known}")
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise _missing(address, kind, extra or "s3") from error
    with _named(address):
        try:
            return url_to_fs(address)
        except ImportError as error:
            raise _missing(address, kind, extra or "s3") from error


def _missing(address: str, kind: str, extra: str) -> ConfigError:
    return ConfigError(
        f"{kind}:// needs a library that is not installed", where=address, do=f"Install it with: pip install 'safelight[{extra}]'"
    )


@contextmanager
def _named(address: str) -> Iterator[None]:
    """Turn what a cloud's library raises into an error that names the address; its text may hold a key, and is not shown."""
    try:
        yield
    except (ConfigError, ExportError, ImportError):
        raise
    except FileNotFoundError as error:
        raise ExportError("there is no such object", where=address, do="Check the address") from error
    except PermissionError as error:
        raise ExportError("may not be read", where=address, do="Check the credentials of this account and its rights") from error
    except Exception as error:
        raise ExportError(
            f"cannot be read ({type(error).__name__})",
            where=address,
            do="Check the credentials, the connection and the room in the folder for temporary files (TMPDIR)",
        ) from error


def _parts(key: str) -> list[str]:
    """Return the parts of a key as names of files that cannot lead out of the folder."""
    return [part.replace("..", "%2e%2e") if set(part) == {"."} else part for part in key.split("/") if part]


def _copy(system: Any, place: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    system.get_file(place, str(target))
    expected = system.size(place)
    if expected is not None and target.stat().st_size != expected:
        raise ExportError(
            f"only {target.stat().st_size:,} of {expected:,} bytes arrived",
            where=place,
            do="Run it again when the connection holds",
        )
