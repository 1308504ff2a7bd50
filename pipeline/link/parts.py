"""The tables that reading a run yields, before all runs are joined: whole numbers for times and stages, digests for people.

Times are microseconds since 1970, null where not known. ``mask`` has a bit for each stage over its threshold, the first stage the
lowest bit. ``vector`` is that of `pipeline.link.vectors`, null without a model. Where a message stands is ``position`` (from 1),
``file``, ``line`` and ``row``.
"""

from __future__ import annotations

import pyarrow as pa

CONTACT_KINDS = ("own_contact", "introduction", "name_changed")

_TEXT, _WHOLE, _SMALL, _SHARE = pa.string(), pa.int64(), pa.int32(), pa.float64()
_MESSAGE = {"conversation": _TEXT, "account": _TEXT, "position": _SMALL, "time": _WHOLE, "mask": _WHOLE}
_PLACE = {"file": _TEXT, "line": _WHOLE, "row": _WHOLE}
_COUNTS = {"messages": _WHOLE, "signs": _WHOLE, "mask": _WHOLE, "risk": _SHARE, "first": _WHOLE, "last": _WHOLE}
_FIRST_SIGN = {"first_sign": _WHOLE, "first_position": _SMALL}

PARTS: dict[str, pa.Schema] = {
    "conversations": pa.schema(
        {
            "conversation": _TEXT,
            "run": _TEXT,
            "run_row": _WHOLE,
            "platform": _TEXT,
            "export": _TEXT,
            "accounts": _WHOLE,
            **_COUNTS,
            "alert": pa.bool_(),
            "fingerprint": _TEXT,
            "conversation_id": _TEXT,
            "title": _TEXT,
            "source_file": _TEXT,
        }
    ),
    "takes_part": pa.schema(
        {
            "conversation": _TEXT,
            "account": _TEXT,
            "speaker": _TEXT,
            "contact": _TEXT,
            "platform": _TEXT,
            "export": _TEXT,
            "identifier_kind": _TEXT,
            "name": _TEXT,
            "slot": _TEXT,
            **_COUNTS,
            "alert": pa.bool_(),
            **_FIRST_SIGN,
            "position": _SMALL,
            **_PLACE,
        }
    ),
    "writes_to": pa.schema({"conversation": _TEXT, "source": _TEXT, "target": _TEXT, **_COUNTS, **_FIRST_SIGN}),
    "signs": pa.schema({**_MESSAGE, "target": _TEXT, "alert": pa.bool_(), **_PLACE}),
    "contacts": pa.schema(
        {
            **_MESSAGE,
            "target": _TEXT,
            "kind": _TEXT,
            "contact_kind": _TEXT,
            "contact": _TEXT,
            "before": _TEXT,
            "platform": _TEXT,
            "start": _SMALL,
            "end": _SMALL,
            **_PLACE,
        }
    ),
    "indicators": pa.schema({**_MESSAGE, "indicator": _TEXT, **_PLACE}),
    "places": pa.schema({**_MESSAGE, "kind": _TEXT, "place": _TEXT, "start": _SMALL, "end": _SMALL, **_PLACE}),
    "scripts": pa.schema(
        {
            **_MESSAGE,
            "exact": pa.bool_(),
            "words": pa.list_(pa.int64()),
            "starts": pa.list_(pa.int32()),
            "ends": pa.list_(pa.int32()),
            "vector": pa.binary(),
            **_PLACE,
        }
    ),
}
