"""Labelled tables: any that `pipeline.ingest` reads, a ConvoKit corpus, a Hugging Face ``datasets`` folder, Label Studio's JSON.

Labels stand in columns of their own (in ConvoKit: in ``meta``); what is not there is not known:

==================================  ==================================================================================
``stages``                           a list of stages, or a text with ``;`` or ``,`` between them; empty or ``none``: none of
                                     them; ``n/a``: not known. Without it ``labels``, ``label`` or ``stage``
``flagged``                          whether the message grooms, for corpora that tell no stage; also a ``label`` of yes and no
``groomer``                          whether the message's speaker grooms
``grooming``                         whether somebody grooms in the conversation
``tells``                            the stages that the corpus could have labelled; else all of the taxonomy
``unsure``                           stages that are missing on the message, because its code stands for several
``group``                            names the conversation's relatives; else its own id
``source_label``                     the corpus's own label, kept
==================================  ==================================================================================

Any other column whose values are texts is an attribute of the conversation, taken from its first message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.config import Taxonomy
from pipeline.corpora.labelled import LabelledConversation
from pipeline.corpora.readers.label_studio import is_label_studio, read_label_studio
from pipeline.corpora.readers.label_values import STAGE_COLUMNS, flag_of, stage_keys, stages_of
from pipeline.errors import CorpusError
from pipeline.ingest import ReadLog, ReadOptions, read_conversations
from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.parsing.table_fields import Columns
from pipeline.ingest.parsing.table_records import Record, Wanted
from pipeline.ingest.readers.tables import Table
from pipeline.schema import Conversation, Message

_TELLING_EMPTY = frozenset(form for name in STAGE_COLUMNS for form in (name, name.title(), name.upper()))
LABELS = (*STAGE_COLUMNS, "unsure", "flagged", "groomer", "grooming", "tells", "group", "parents", "source_label")


def read_labelled_table(path: Path, taxonomy: Taxonomy, *, options: ReadOptions | None = None) -> Iterator[LabelledConversation]:
    """Yield the conversations of a labelled table.

    Raises
    ------
    CorpusError
        When a label is none of ours, with the place of its message.
    """
    options = replace(options or ReadOptions(), telling_empty=_TELLING_EMPTY, merge="never")
    if is_hugging_face(path):
        source = _hugging_face(path, options)
    elif is_label_studio(path):
        source = read_label_studio(path, options)
    else:
        source = read_conversations([path], options, ReadLog())
    for conversation in source:
        yield labelled(conversation.load(), taxonomy)


def labelled(conversation: Conversation, taxonomy: Taxonomy) -> LabelledConversation:
    """Read the labels of a conversation from the ``meta`` of its messages.

    Raises
    ------
    CorpusError
        When a label is none of ours.
    """
    messages = tuple(map(_with_plain_names, conversation.messages))
    conversation = replace(conversation, messages=messages)
    stages = tuple(stages_of(message, taxonomy) for message in messages)
    flags = {position: flag for position, message in enumerate(messages) if (flag := flag_of(message, "flagged")) is not None}
    speakers = [
        (message.speaker, grooms) for message in messages if message.speaker and (grooms := flag_of(message, "groomer")) is not None
    ]
    wholes = {whole for message in messages if (whole := flag_of(message, "grooming")) is not None}
    if len(wholes) > 1:
        raise CorpusError("`grooming` is true and false in one conversation", where=str(messages[0].source), do="Give it one label")
    first = messages[0].meta if messages else {}
    tells = stage_keys(first["tells"], messages[0], taxonomy) if "tells" in first else frozenset(taxonomy.keys)
    return LabelledConversation(
        conversation=conversation,
        stages=stages,
        tells=tells if any(known is not None for known in stages) else frozenset(),
        groomers=frozenset(name for name, grooms in speakers if grooms) if speakers else None,
        grooming=wholes.pop() if wholes else None,
        flagged=frozenset(position for position, flag in flags.items() if flag) if flags else None,
        unsure={
            position: stage_keys(message.meta["unsure"], message, taxonomy)
            for position, message in enumerate(messages)
            if "unsure" in message.meta
        },
        group=str(first.get("group") or conversation.conversation_id),
        parents=tuple(map(str, parents)) if isinstance(parents := first.get("parents"), list) else (),
        attributes={key: value for key, value in first.items() if isinstance(value, str) and key not in LABELS},
    )


def _with_plain_names(message: Message) -> Message:
    """Return the message with its columns of labels in lower case: people write ``Stages`` and ``FLAGGED`` too."""
    plain = {name: name.strip().casefold() for name in message.meta}
    if all(name == other or other not in LABELS or other in message.meta for name, other in plain.items()):
        return message
    meta = {(other if other in LABELS and other not in message.meta else name): message.meta[name] for name, other in plain.items()}
    return replace(message, meta=meta)


def is_hugging_face(path: Path) -> bool:
    """Tell a folder that ``datasets`` saved: ``save_to_disk`` of a dataset, or of several splits."""
    return path.is_dir() and ((path / "state.json").is_file() or (path / "dataset_dict.json").is_file())


def _hugging_face(path: Path, options: ReadOptions) -> Iterator[Conversation]:
    """Yield the conversations of a saved dataset, split by split; its Arrow files are read as they lie, without the library."""
    folders = sorted(file.parent for file in path.glob("*/state.json")) if (path / "dataset_dict.json").is_file() else [path]
    for folder in folders:
        for file in sorted(folder.glob("*.arrow")):
            export = ExportFile(file)

            def records(wanted: Wanted, export: ExportFile = export, split: str = folder.name) -> Iterator[Record]:
                return _arrow_records(export, wanted, {"split": split} if folders != [path] else {})

            table = Table(export, records, Columns.named(options.columns), options, ReadLog(), has_lines=False, platform="datasets")
            yield from table.conversations()


def _arrow_records(file: ExportFile, wanted: Wanted, about: dict[str, Any]) -> Iterator[Record]:
    index = 0
    try:
        with pa.memory_map(str(file.path)) as source, pa.ipc.open_stream(source) as stream:
            for batch in stream:
                for row in batch.to_pylist():
                    if wanted(index):
                        yield index, index + 1, {**row, **about}
                    index += 1
    except (pa.ArrowException, OSError) as error:
        raise CorpusError("the Arrow file is damaged", where=file.name, do="Save the dataset again") from error
