"""Open a labelled corpus at a path, whatever it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pipeline.config import Taxonomy
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.readers.chatcoder2 import is_chatcoder2, read_chatcoder2
from pipeline.corpora.readers.pan12 import is_pan12, read_ids, read_pan12
from pipeline.corpora.readers.tables import read_labelled_table
from pipeline.corpora.readers.written import is_written, read_written
from pipeline.errors import CorpusError
from pipeline.ingest import ReadOptions
from pipeline.ingest.options import NO_COLUMNS


def read_corpus(
    path: Path, taxonomy: Taxonomy, *, only: Path | None = None, columns: Mapping[str, str] = NO_COLUMNS
) -> Iterator[LabelledConversation]:
    """Yield the conversations of a corpus, told by what lies at the path; ``only`` is a list of conversation ids to read.

    ``columns`` maps our fields to the columns of a table, where it is one.

    Raises
    ------
    CorpusError
        When there is none, it breaks its own rules, or an id of the list is not in it.
    """
    if not path.exists():
        raise CorpusError("there is no such file or folder", where=str(path), do="Check the path")
    wanted = None if only is None else read_ids(only)
    if is_written(path):
        read = read_written(path, taxonomy)
    elif is_pan12(path):
        read = read_pan12(path, only=wanted)
    elif is_chatcoder2(path):
        read = read_chatcoder2(path, taxonomy)
    else:
        read = read_labelled_table(path, taxonomy, options=ReadOptions(columns=columns))
    yield from read if wanted is None else _only(read, wanted, only)


def read_corpora(
    paths: Iterable[Path], taxonomy: Taxonomy, *, columns: Mapping[str, str] = NO_COLUMNS
) -> Iterator[LabelledConversation]:
    """Yield the conversations of several corpora; raises as `read_corpora_by_path`."""
    for _, conversation in read_corpora_by_path(paths, taxonomy, columns=columns):
        yield conversation


def read_corpora_by_path(
    paths: Iterable[Path], taxonomy: Taxonomy, *, columns: Mapping[str, str] = NO_COLUMNS
) -> Iterator[tuple[Path, LabelledConversation]]:
    """Yield the conversations of several corpora, each with the path of its corpus; ``columns`` as in `read_corpus`.

    Raises
    ------
    CorpusError
        When two conversations have one id.
    """
    seen: dict[str, Path] = {}
    for path in paths:
        for conversation in read_corpus(path, taxonomy, columns=columns):
            if conversation.id in seen:
                raise CorpusError(f"conversation {conversation.id} stands in {seen[conversation.id]} too", where=str(path))
            seen[conversation.id] = path
            yield path, conversation


def _only(read: Iterator[LabelledConversation], wanted: frozenset[str], only: Path | None) -> Iterator[LabelledConversation]:
    met: set[str] = set()
    for conversation in read:
        if conversation.id in wanted:
            met.add(conversation.id)
            yield conversation
    if lost := wanted - met:
        raise CorpusError(
            f"{len(lost)} of {len(wanted)} conversation ids are not in the corpus", where=str(only), do="Check the list"
        )
