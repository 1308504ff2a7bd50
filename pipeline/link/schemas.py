"""The names and the Arrow schemas of the files that `safelight link` writes; `pipeline.link.tables` says what a row is."""

from __future__ import annotations

import pyarrow as pa

ACCOUNTS = "accounts.parquet"
CONVERSATIONS = "conversations.parquet"
EDGES = "edges.parquet"
IDENTITY_LINKS = "identity_links.parquet"
PATTERNS = "patterns.parquet"
GRAPHML = "graph.graphml"
GRAPH_JSON = "graph.json"
LINK = "link.json"
REPORT = "link.html"

_TIME = pa.timestamp("us")
_REASONS = pa.list_(pa.struct([("reason", pa.string()), ("value", pa.float64()), ("text", pa.string())]))
_SPANS = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32())]))
_REFERENCE: dict[str, pa.DataType] = {
    "conversation": pa.string(),
    "account": pa.string(),
    "position": pa.int32(),
    "time": _TIME,
    "stages": pa.list_(pa.string()),
    "note": pa.string(),
    "spans": _SPANS,
    "export": pa.string(),
    "line": pa.int64(),
    "row": pa.int64(),
    "source_file": pa.string(),
}

ACCOUNTS_SCHEMA = pa.schema(
    {
        "account": pa.string(),
        "person": pa.string(),
        "speaker": pa.string(),
        "platform": pa.string(),
        "export": pa.string(),
        "identifier_kind": pa.string(),
        "name": pa.string(),
        "conversations": pa.int64(),
        "messages": pa.int64(),
        "signs": pa.int64(),
        "alerts": pa.int64(),
        "risk": pa.float64(),
        "stages": pa.list_(pa.string()),
        "targets": pa.int64(),
        "first": _TIME,
        "last": _TIME,
        "community": pa.int64(),
        "priority": pa.float64(),
        "priority_reasons": _REASONS,
    }
)

CONVERSATIONS_SCHEMA = pa.schema(
    {
        "conversation": pa.string(),
        "run": pa.string(),
        "run_row": pa.int64(),
        "platform": pa.string(),
        "export": pa.string(),
        "accounts": pa.int64(),
        "messages": pa.int64(),
        "signs": pa.int64(),
        "risk": pa.float64(),
        "alert": pa.bool_(),
        "stages": pa.list_(pa.string()),
        "indicators": pa.list_(pa.struct([("indicator", pa.string()), ("messages", pa.int64())])),
        "first": _TIME,
        "last": _TIME,
        "conversation_id": pa.string(),
        "title": pa.string(),
        "source_file": pa.string(),
    }
)

EDGES_SCHEMA = pa.schema(
    {
        "kind": pa.string(),
        "source": pa.string(),
        "target": pa.string(),
        "conversation": pa.string(),
        "slot": pa.string(),
        "messages": pa.int64(),
        "signs": pa.int64(),
        "stages": pa.list_(pa.string()),
        "risk": pa.float64(),
        "first": _TIME,
        "last": _TIME,
        "first_sign": _TIME,
        "first_position": pa.int32(),
    }
)

IDENTITY_LINKS_SCHEMA = pa.schema(
    {
        "link": pa.string(),
        "source": pa.string(),
        "target": pa.string(),
        "reason": pa.string(),
        "strength": pa.float64(),
        "joined": pa.bool_(),
        "text": pa.string(),
        "evidence": pa.list_(pa.struct(_REFERENCE)),
    }
)

PATTERNS_SCHEMA = pa.schema(
    {
        "pattern": pa.string(),
        "kind": pa.string(),
        "strength": pa.float64(),
        "accounts": pa.list_(pa.struct([("account", pa.string()), ("role", pa.string())])),
        "conversations": pa.list_(pa.string()),
        "reasons": _REASONS,
        "unknown": pa.list_(pa.string()),
        "messages": pa.list_(pa.struct(_REFERENCE)),
        "first": _TIME,
        "last": _TIME,
    }
)

SCHEMAS: dict[str, pa.Schema] = {
    ACCOUNTS: ACCOUNTS_SCHEMA,
    CONVERSATIONS: CONVERSATIONS_SCHEMA,
    EDGES: EDGES_SCHEMA,
    IDENTITY_LINKS: IDENTITY_LINKS_SCHEMA,
    PATTERNS: PATTERNS_SCHEMA,
}
