"""The graph as GraphML (Gephi, yEd, Neo4j) and as JSON of nodes and links (D3, networkx, Cytoscape), with the ids of the tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline.errors import ConfigError
from pipeline.link.schemas import ACCOUNTS, CONVERSATIONS, EDGES, GRAPH_JSON, GRAPHML, IDENTITY_LINKS

_ACCOUNT = ("platform", "export", "name", "person", "messages", "signs", "alerts", "risk", "targets", "community", "priority")
_CONVERSATION = ("platform", "export", "title", "messages", "signs", "risk", "alert")
_EDGE = ("conversation", "messages", "signs", "risk")
_LINK = ("reason", "strength", "joined")

_Attributes = dict[str, Any]


def write_graph(folder: Path) -> None:
    """Write ``graph.graphml`` and ``graph.json`` of the tables in a folder.

    A node is an account or a conversation, an edge one of ``edges.parquet`` or an identity link (kind ``may_be``).

    Raises
    ------
    ConfigError
        When rustworkx is not installed.
    """
    try:
        import rustworkx
    except ModuleNotFoundError as error:
        raise ConfigError("the graph needs rustworkx", do="Install it with: pip install 'safelight[link]'") from error
    nodes = list(_nodes(folder))
    number = {node["id"]: index for index, node in enumerate(nodes)}
    edges = [edge for edge in _edges(folder) if edge["source"] in number and edge["target"] in number]
    graph = rustworkx.PyDiGraph(attrs={"made_by": "safelight link"})
    graph.add_nodes_from(nodes)
    graph.add_edges_from([(number[edge["source"]], number[edge["target"]], edge) for edge in edges])
    rustworkx.write_graphml(graph, str(folder / GRAPHML))
    with (folder / GRAPH_JSON).open("w", encoding="utf-8") as file:
        file.write('{"directed": true, "multigraph": true,\n"nodes": [\n')
        _write_lines(file.write, nodes)
        file.write('],\n"links": [\n')
        _write_lines(file.write, edges)
        file.write("]}\n")


def _write_lines(write: Any, rows: list[_Attributes]) -> None:
    for index, row in enumerate(rows):
        write(json.dumps(row) + (",\n" if index + 1 < len(rows) else "\n"))


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
