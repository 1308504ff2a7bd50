"""CSV by blocks of whole records, which Arrow reads where every reader of CSV would read them alike."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
from numpy.typing import NDArray

from pipeline.ingest.files.export_file import ExportFile
from pipeline.ingest.parsing.table_blocks import DO, STEP, Block, one_batch, one_by_one, several_of
from pipeline.ingest.parsing.table_records import CsvHeader, batch_records, csv_header, csv_records
from pipeline.ingest.parsing.text_lines import line_blocks

_QUOTE, _LF, _CR = b'"\n\r'


@dataclass
class Csv:
    """CSV by blocks, every value a text; from a block on that is not regular the records come one by one."""

    file: ExportFile
    required: Sequence[str]

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks; raises as `table_records.csv_records` does."""
        header = csv_header(self.file, self.required)
        index, line = 0, 1
        for raw in self._cut():
            ends = None if raw is None else _ends_outside_quotes(raw, header.delimiter)
            block = None if raw is None or ends is None else self._block(raw, ends, index, line, header)
            if raw is None or block is None:
                yield from one_by_one(csv_records(self.file, self.required, header=header, start=(index, line)), index)
                return
            if len(block.places):
                yield block
            index += len(block.places)
            line += raw.count(b"\n") + (not raw.endswith(b"\n"))

    def _cut(self) -> Iterator[bytes | None]:
        """Yield the bytes of whole records, as far as quotes tell, and ``None`` where a record is very long."""
        held = b""
        with self.file.open() as stream:
            parts = line_blocks(stream, self.file.name, do=DO)
            while raw := several_of(parts):
                held += raw
                if len(held) > STEP << 20:
                    yield None
                    return
                codes = np.frombuffer(held, np.uint8)
                ends = np.flatnonzero(codes == _LF)
                open_ = np.searchsorted(np.flatnonzero(codes == _QUOTE), ends) % 2
                closed = ends[open_ == 0]
                if len(closed):
                    cut = int(closed[-1]) + 1
                    yield held[:cut]
                    held = held[cut:]
        if held:
            yield held

    def _block(self, raw: bytes, ends: NDArray[np.int64], index: int, line: int, header: CsvHeader) -> Block | None:
        body, first_end = raw, 0
        if index == 0 and line == 1:
            body = raw.removeprefix(codecs.BOM_UTF8)
            ends = ends - (len(raw) - len(body))
            if not len(ends) or header.line != 1 or b"\n" in body[: ends[0]]:
                return None
            first_end = int(ends[0]) + 1
        starts = ends[ends < len(body) - 1] + 1
        if not first_end:
            starts = np.concatenate([[0], starts])
        newlines = np.flatnonzero(np.frombuffer(body, np.uint8) == _LF)
        places = line + np.searchsorted(newlines, starts).astype(np.int64)
        rest = body[first_end:]
        if not rest:
            return Block(index, places[:0], None, lambda: iter(()))
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(rest),
                read_options=arrow_csv.ReadOptions(use_threads=False, block_size=len(rest) + 1, column_names=header.names),
                parse_options=arrow_csv.ParseOptions(delimiter=header.delimiter, newlines_in_values=True, ignore_empty_lines=False),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(header.names, pa.string()), strings_can_be_null=False
                ),
            )
        except pa.ArrowException:
            return None
        if table.num_rows != len(starts):
            return None
        batch = one_batch(table)
        return Block(index, places, batch, lambda: batch_records(batch, index, places.tolist(), self.file))


def _ends_outside_quotes(raw: bytes, delimiter: str) -> NDArray[np.int64] | None:
    """Return where the lines end that no quotes hold, where every quote opens or closes a field or is doubled in one; else none.

    Every reader of CSV reads such a block alike. A line without anything in it, a lone carriage return or a NUL is left to others.
    """
    if b"\0" in raw or raw.count(b"\r") != raw.count(b"\r\n"):
        return None
    codes = np.frombuffer(raw, np.uint8)
    ends = np.flatnonzero(codes == _LF)
    quotes = np.flatnonzero(codes == _QUOTE)
    if len(quotes):
        if len(quotes) % 2:
            return None
        around = np.frombuffer(b"\n" + raw + b"\n", np.uint8)
        edges = np.zeros(256, bool)
        edges[[ord(delimiter), _LF, _CR, _QUOTE]] = True
        edge = edges[around]
        opens, closes = quotes[::2], quotes[1::2]
        bom = len(codecs.BOM_UTF8) if raw.startswith(codecs.BOM_UTF8) else 0
        if not (edge[opens] | (opens == bom)).all() or not edge[closes + 2].all() or (around[opens] == _CR).any():
            return None
        ends = ends[np.searchsorted(quotes, ends) % 2 == 0]
    empty = np.diff(ends, prepend=-1) - (codes[ends - 1] == _CR) < 2 if len(ends) else np.zeros(0, bool)
    return None if empty.any() else ends
