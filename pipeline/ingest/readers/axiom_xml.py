"""Magnet AXIOM's (and IEF's) XML: the hits of each artifact, with a fragment for each column of its table.

::

    <Artifacts><Artifact name="WhatsApp Messages"><Hits><Hit sequenceNumber="1">
      <Fragment name="Sender">…</Fragment><Fragment name="Message">…</Fragment>
      <Fragment name="Message Sent Date/Time - UTC+00:00 (dd/MM/yyyy)">13/02/2024 21:05:11</Fragment></Hit>…
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.parsing.table_records import Record, Wanted
from pipeline.ingest.parsing.xml_stream import read_xml
from pipeline.ingest.readers.forensic_columns import Roles, axiom_roles


def axiom_records(file: ExportFile, wanted: Wanted) -> Iterator[Record]:
    """Yield the hits that are messages; the hits of other artifacts are passed over.

    Raises
    ------
    ExportError
        When the file is not valid XML.
    ArchiveRefused
        When it declares a document type.
    """
    index = -1
    digest = file.sha256[:12]
    known: dict[tuple[str, ...], Roles | None] = {}
    for line, artifact, fragments in _hits(file):
        header = tuple(fragments)
        if header not in known and len(known) < 10_000:
            known[header] = axiom_roles(header)
        roles = known.get(header)
        if roles is None:
            continue
        index += 1
        if wanted(index):
            record = roles.record(list(fragments.values()), {})
            record["conversation_id"] = f"{digest}/{record['conversation_id']}"
            record["platform"] = record["platform"] or artifact.casefold() or None
            yield index, line, {**record, "message_id": f"{digest}:{index + 1}"}


def _hits(file: ExportFile) -> Iterator[tuple[int, str, dict[str, str]]]:
    """Yield each hit's line, its artifact's name and its fragments by name."""
    artifact = ""
    fragments: dict[str, str] | None = None
    name: str | None = None
    line = 0
    for event in read_xml(file):
        if event.kind == "text":
            if fragments is not None and name is not None:
                fragments[name] += event.value
        elif event.kind == "end":
            if event.value == "Fragment":
                name = None
            elif event.value == "Hit" and fragments is not None:
                yield line, artifact, fragments
                fragments = None
        elif event.value == "Artifact":
            artifact = event.attributes.get("name", "")
        elif event.value == "Hit":
            fragments, line = {}, event.line
        elif event.value == "Fragment" and fragments is not None:
            name = event.attributes.get("name", "")
            fragments[name] = ""
