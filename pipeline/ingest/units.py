"""Units: the files that one reader reads together, such as the parts of one thread or the days of one channel."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from pipeline.errors import ExportError
from pipeline.ingest.detection.detect import FORMATS
from pipeline.ingest.files.export_file import ExportFile


@dataclass(frozen=True)
class Unit:
    """Files of one format that belong together; most formats have one file a unit."""

    format: str
    files: tuple[ExportFile, ...]

    @property
    def file(self) -> ExportFile:
        """The file of a unit that has one.

        Raises
        ------
        ExportError
            When the unit has several.
        """
        if len(self.files) != 1:
            raise ExportError(f"{len(self.files)} files where {self.format} has one", where=self.name)
        return self.files[0]

    @property
    def name(self) -> str:
        """The file's name, or the folder's that its files share."""
        return self.files[0].name if len(self.files) == 1 else self.files[0].name.rpartition("/")[0].removesuffix("!")

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the content: the file's own, or that of the files' hashes in order."""
        if len(self.files) == 1:
            return self.files[0].sha256
        return hashlib.sha256("".join(file.sha256 for file in self.files).encode()).hexdigest()


def group_units(files_by_format: Iterable[tuple[str, ExportFile]]) -> list[Unit]:
    """Put the files together that their format reads together: one file a unit, unless the format says by folder or by root."""
    groups: dict[tuple[str, PurePosixPath], list[ExportFile]] = {}
    for format_, file in files_by_format:
        groups.setdefault((format_, FORMATS[format_].group(file)), []).append(file)
    return [Unit(format_, tuple(files)) for (format_, _), files in groups.items()]
