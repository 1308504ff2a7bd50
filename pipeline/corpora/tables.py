"""Labelled tables: any table of messages that `pipeline.ingest` reads, a ConvoKit corpus, or a Hugging Face ``datasets`` folder.

Labels stand in columns of their own (in ConvoKit: in ``meta``); what is not there is not known:

==================================  ==================================================================================
``stages``                           a list of stage keys, or a text with ``;`` or ``,`` between them; empty: none of them
``flagged``                          whether the message grooms, for corpora that tell no stage
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

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.config import Taxonomy
from pipeline.corpora.labelled import LabelledConversation
from pipeline.errors import CorpusError
from pipeline.ingest import ReadLog, ReadOptions, read_conversations
from pipeline.ingest.files import ExportFile
from pipeline.ingest.table_fields import Columns
from pipeline.ingest.table_records import Record, Wanted
from pipeline.ingest.tables import Table
from pipeline.schema import Conversation, Message

LABELS = ("stages", "unsure", "flagged", "groomer", "grooming", "tells", "group", "parents", "source_label")
_TRUE, _FALSE = frozenset({"true", "1", "yes"}), frozenset({"false", "0", "no", ""})


def read_labelled_table(path: Path, taxonomy: Taxonomy, *, options: ReadOptions | None = None) -> Iterator[LabelledConversation]:
    """Yield the conversations of a labelled table.

    Raises
    ------
    CorpusError
        When a label is none of ours, with the place of its message.
    """
    options = replace(options or ReadOptions(), telling_empty=frozenset({"stages"}), merge="never")
    source = _hugging_face(path, options) if is_hugging_face(path) else read_conversations([path], options, ReadLog())
    for conversation in source:
        yield labelled(conversation.load(), taxonomy)


def labelled(conversation: Conversation, taxonomy: Taxonomy) -> LabelledConversation:
    """Read the labels of a conversation from the ``meta`` of its messages.

    Raises
    ------
    CorpusError
        When a label is none of ours.
    """
    messages = tuple(conversation.messages)
    stages = tuple(_stages(message, taxonomy) for message in messages)
    flags = {position: flag for position, message in enumerate(messages) if (flag := _flag(message, "flagged")) is not None}
    speakers = [
        (message.speaker, grooms) for message in messages if message.speaker and (grooms := _flag(message, "groomer")) is not None
    ]
    wholes = {whole for message in messages if (whole := _flag(message, "grooming")) is not None}
    if len(wholes) > 1:
        raise CorpusError("`grooming` is true and false in one conversation", where=str(messages[0].source), do="Give it one label")
    first = messages[0].meta if messages else {}
    tells = _keys(first["tells"], messages[0], taxonomy) if "tells" in first else frozenset(taxonomy.keys)
    return LabelledConversation(
        conversation=conversation,
        stages=stages,
        tells=tells if any(known is not None for known in stages) else frozenset(),
        groomers=frozenset(name for name, grooms in speakers if grooms) if speakers else None,
        grooming=wholes.pop() if wholes else None,
        flagged=frozenset(position for position, flag in flags.items() if flag) if flags else None,
        unsure={
            position: _keys(message.meta["unsure"], message, taxonomy)
            for position, message in enumerate(messages)
            if "unsure" in message.meta
        },
        group=str(first.get("group") or conversation.conversation_id),
        parents=tuple(map(str, parents)) if isinstance(parents := first.get("parents"), list) else (),
        attributes={key: value for key, value in first.items() if isinstance(value, str) and key not in LABELS},
    )


def _stages(message: Message, taxonomy: Taxonomy) -> frozenset[str] | None:
    value = message.meta.get("stages")
    return None if value is None and "stages" not in message.meta else _keys(value, message, taxonomy)


def _keys(value: object, message: Message, taxonomy: Taxonomy) -> frozenset[str]:
    if isinstance(value, str):
        value = json.loads(value) if value.startswith("[") else value.replace(",", ";").split(";")
    if value is None:
        return frozenset()
    if not isinstance(value, list):
        raise CorpusError("`stages` is neither a list nor a text", where=str(message.source), do="Write access;trust, or a list")
    keys = frozenset(str(key).strip() for key in value if str(key).strip() not in ("", "none"))
    if unknown := keys - set(taxonomy.keys):
        raise CorpusError(
            f"{', '.join(sorted(unknown))}: not a stage of {taxonomy.name}",
            where=str(message.source),
            do=f"Choose from {', '.join(taxonomy.keys)}",
        )
    return keys


def _flag(message: Message, name: str) -> bool | None:
    value = message.meta.get(name)
    if value is None or isinstance(value, bool):
        return value
    text = str(value).strip().casefold().removesuffix(".0")
    if text not in _TRUE | _FALSE:
        raise CorpusError(f"`{name}` is neither true nor false", where=str(message.source), do="Write true or false, 1 or 0")
    return text in _TRUE


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

            table = Table(export, records, Columns.named({}), options, ReadLog(), has_lines=False, platform="datasets")
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
