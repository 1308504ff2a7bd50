"""The graph as GraphML (Gephi, yEd, Neo4j) and as JSON of nodes and links (D3, networkx, Cytoscape), with the ids of the tables."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - compiled

from pipeline.link.schemas import ACCOUNTS, CONVERSATIONS, EDGES, GRAPH_JSON, GRAPHML, IDENTITY_LINKS

_ACCOUNT = ("platform", "export", "name", "person", "messages", "signs", "alerts", "risk", "targets", "community", "priority")
_CONVERSATION = ("platform", "export", "title", "messages", "signs", "risk", "alert")
_EDGE = ("conversation", "messages", "signs", "risk")
_LINK = ("reason", "strength", "joined")

_COUNTED = dict.fromkeys(("messages", "signs", "alerts", "targets", "community"), int) | dict.fromkeys(("alert", "joined"), bool)
_SHARES = dict.fromkeys(("risk", "priority", "strength"), float)
_KINDS: dict[str, type] = {**_COUNTED, **_SHARES}
_NODE_KEYS = {name: _KINDS.get(name, str) for name in dict.fromkeys(("kind", "stages", *_ACCOUNT, *_CONVERSATION))}
_EDGE_KEYS = {name: _KINDS.get(name, str) for name in dict.fromkeys(("kind", "id", "stages", *_EDGE, *_LINK))}
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold; names may."""

_Attributes = dict[str, Any]


_TYPES: dict[type, str] = {bool: "boolean", int: "long", float: "double", str: "string"}
_NAMESPACE = "http://graphml.graphdrawing.org/xmlns"


def write_graph(folder: Path) -> None:
    """Write ``graph.graphml`` and ``graph.json`` of the tables in a folder, in constant memory.

    A node is an account or a conversation, an edge one of ``edges.parquet`` or an identity link (kind ``may_be``).
    """
    with (folder / GRAPH_JSON).open("w", encoding="utf-8") as file:
        file.write('{"directed": true, "multigraph": true, "graph": {},\n"nodes": [')
        _write_lines(file.write, _nodes(folder))
        file.write('],\n"links": [')
        _write_lines(file.write, _edges(folder))
        file.write("]}\n")
    with etree.xmlfile(str(folder / GRAPHML), encoding="utf-8") as xml, xml.element(_name("graphml"), nsmap={None: _NAMESPACE}):
        for kind, keys in (("node", _NODE_KEYS), ("edge", _EDGE_KEYS)):
            for name, of in keys.items():
                about = {"id": f"{kind}-{name}", "for": kind, "attr.name": name, "attr.type": _TYPES[of]}
                xml.write(etree.Element(_name("key"), about, nsmap={None: _NAMESPACE}))
        with xml.element(_name("graph"), edgedefault="directed"):
            for node in _nodes(folder):
                xml.write(_element("node", {"id": node.pop("id")}, node))
            for edge in _edges(folder):
                xml.write(_element("edge", {"source": edge.pop("source"), "target": edge.pop("target")}, edge))


def _write_lines(write: Callable[[str], object], rows: Iterable[_Attributes]) -> None:
    for index, row in enumerate(rows):
        write((",\n" if index else "\n") + json.dumps(row))
    write("\n")


def _name(name: str) -> str:
    return f"{{{_NAMESPACE}}}{name}"


def _element(kind: str, about: dict[str, str], attributes: _Attributes) -> Any:
    element = etree.Element(_name(kind), about, nsmap={None: _NAMESPACE})
    for name, value in attributes.items():
        data = etree.SubElement(element, _name("data"), key=f"{kind}-{name}")
        data.text = str(value).lower() if isinstance(value, bool) else _UNWRITABLE.sub("\ufffd", str(value))
    return element


def _nodes(folder: Path) -> Iterator[_Attributes]:
    for kind, key, file, names in (
        ("account", "account", ACCOUNTS, _ACCOUNT),
        ("conversation", "conversation", CONVERSATIONS, _CONVERSATION),
    ):
        for row in _rows(folder / file, (key, "stages", *names)):
            yield {"id": row[key], "kind": kind, "stages": " ".join(row["stages"]), **_known(row, names)}


def _edges(folder: Path) -> Iterator[_Attributes]:
    for row in _rows(folder / EDGES, ("kind", "source", "target", "stages", *_EDGE)):
        yield {
            "kind": row["kind"],
            "source": row["source"],
            "target": row["target"],
            "stages": " ".join(row["stages"]),
            **_known(row, _EDGE),
        }
    for row in _rows(folder / IDENTITY_LINKS, ("link", "source", "target", *_LINK)):
        yield {"kind": "may_be", "source": row["source"], "target": row["target"], "id": row["link"], **_known(row, _LINK)}


def _known(row: _Attributes, names: tuple[str, ...]) -> _Attributes:
    return {name: row[name] for name in names if row[name] is not None}


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[_Attributes]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=list(columns)):
            yield from batch.to_pylist()
