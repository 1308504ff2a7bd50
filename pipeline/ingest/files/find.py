"""Find the files at a path, in folders and in archives. What cannot be looked at is named, and ends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pipeline.errors import ArchiveRefused, ExportError
from pipeline.ingest.files.archives import MAX_MEMBERS, Member
from pipeline.ingest.files.export_file import ExportFile, is_archive, unreadable
from pipeline.ingest.files.shown import shown
from pipeline.ingest.options import MAX_MEMBER_BYTES
from pipeline.printable import printable

DEEPEST = 3
"""How many archives may lie in one another, in the outermost one."""

_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".7z")
_OFFICE = "[Content_Types].xml"


@dataclass(frozen=True)
class Refused:
    """A file that could not be looked at, and why."""

    name: str
    error: ExportError


@dataclass
class FileFinder:
    """Finds the files at a path; keeps what it could not look at and what it passed over.

    ``links`` are those that lead out of the folder and were not followed; with ``follow_links`` there are none.
    """

    max_member_bytes: int = MAX_MEMBER_BYTES
    follow_links: bool = False
    refused: list[Refused] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    links: list[Path] = field(default_factory=list)

    def find(self, path: Path) -> Iterator[ExportFile]:
        """Yield the files: the path itself, everything below a folder, every member of an archive; in the order of their names.

        Hidden files and the resource forks that macOS puts into archives are passed over.

        Raises
        ------
        ExportError
            When the path does not exist or cannot be read.
        ArchiveRefused
            When the path is an archive that is damaged or not safe.
        """
        _require_utf8(path)
        try:
            if not path.exists():
                raise ExportError("there is no such file or folder", where=shown(path), do="Check the path")
            is_folder = path.is_dir()
        except OSError as error:
            raise unreadable(path, error) from error
        if not is_folder:
            yield from self._file_or_members(path)
            return
        for entry in self._walk(path):
            try:
                yield from self._file_or_members(entry)
            except ExportError as error:
                self.refused.append(Refused(printable(shown(entry)), error))

    def _walk(self, top: Path) -> Iterator[Path]:
        """Yield what lies below a folder; none is walked twice, so that no walk goes round."""
        root = top.resolve()
        walked = {root}
        waiting = [iter(_entries(top))]
        while waiting:
            entry = next(waiting[-1], None)
            if entry is None:
                waiting.pop()
            elif entry.name.startswith((".", "__MACOSX")):
                self.hidden.append(printable(shown(entry)))
            else:
                try:
                    if not self._may_be_read(entry, root):
                        continue
                    if not entry.is_dir():
                        yield entry
                    elif (real := entry.resolve()) not in walked:
                        walked.add(real)
                        waiting.append(iter(_entries(entry)))
                except (ExportError, OSError) as error:
                    known = error if isinstance(error, ExportError) else unreadable(entry, error)
                    self.refused.append(Refused(printable(shown(entry)), known))

    def _may_be_read(self, entry: Path, root: Path) -> bool:
        _require_utf8(entry)
        if not entry.is_symlink():
            return True
        try:
            target = entry.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise ExportError("a link that leads nowhere", where=shown(entry), do="Copy the file that it stood for") from error
        if not self.follow_links and not target.is_relative_to(root):
            self.links.append(entry)
            return False
        return True

    def _file_or_members(self, path: Path) -> Iterator[ExportFile]:
        if not path.is_file():
            raise ExportError("neither a file nor a folder", where=shown(path), do="Give a chat export, or a folder of them")
        file = ExportFile(path, max_bytes=self.max_member_bytes)
        if is_archive(file) and not _is_office(file):
            yield from self._members(file)
        else:
            yield file

    def _members(self, container: ExportFile, depth: int = 0) -> Iterator[ExportFile]:
        """Yield the members of an archive, and those of archives in it; deeper ones than `DEEPEST` stay closed.

        Raises
        ------
        ArchiveRefused
            When it is damaged or not safe.
        """
        outer = container.outer if container.member is None else (*container.outer, container.member)
        members = sorted(container.as_archive().members, key=lambda member: member.name)
        _require_safe(members, container)
        twice: set[str] = set()
        for member in members:
            name = PurePosixPath(member.name.replace("\\", "/"))
            file = ExportFile(container.path, member.name, self.max_member_bytes, outer)
            if member.folder:
                continue
            if name.name.startswith(".") or name.parts[0] == "__MACOSX":
                self.hidden.append(printable(file.name))
                continue
            try:
                if member.name in twice:
                    raise ArchiveRefused(
                        "two members have this name: only the last can be read", where=file.name, do="Unpack the archive"
                    )
                twice.add(member.name)
                _require_utf8(file.name)
                if depth < DEEPEST and name.name.casefold().endswith(_ARCHIVES) and is_archive(file):
                    yield from self._members(file, depth + 1)
                else:
                    yield file
            except ExportError as error:
                self.refused.append(Refused(printable(file.name), error))


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise unreadable(folder, error) from error


def _require_utf8(path: Path | str) -> None:
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        raise ExportError("the name is not in UTF-8", where=str(path), do="Rename it, or its folder") from error


def _require_safe(members: Sequence[Member], container: ExportFile) -> None:
    if len(members) > MAX_MEMBERS:
        raise ArchiveRefused(
            f"the archive holds over {MAX_MEMBERS:,} members", where=container.name, do="Unpack it and give the folder"
        )
    for member in members:
        name = PurePosixPath(member.name.replace("\\", "/"))
        where = f"{container.name}!/{member.name}"
        if not name.parts:
            if member.folder:
                continue  # the folder that a tar archive was made in
            raise ArchiveRefused("a member has no name", where=where, do="Copy or export the archive again")
        if name.is_absolute() or ".." in name.parts or name.parts[0].endswith(":"):
            raise ArchiveRefused("a member's name points outside the archive", where=where, do="Do not trust this archive")
        if member.link:
            raise ArchiveRefused("a member is a symbolic link", where=where, do="Do not trust this archive")
        if member.special:
            raise ArchiveRefused("a member is neither a file nor a folder", where=where, do="Do not trust this archive")


def _is_office(file: ExportFile) -> bool:
    """Whether an archive is a document of an office program, whose parts are no files of anybody's."""
    return file.as_archive().has(_OFFICE)
