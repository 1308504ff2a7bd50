"""A small export of each format that has no sample in data/samples: what the fuzzer begins with, and what detection is held to."""

from __future__ import annotations

SEEDS: dict[str, tuple[str, str | bytes]] = {
    "sms": (
        "sms-20240213.xml",
        "<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>\n<smses count=\"2\">\n"
        '<sms address="+447700900123" date="1707858311000" type="1" body="bread? &#55357;&#56832;" contact_name="Kim" />\n'
        '<mms address="+447700900123~+447700900124" date="1707858371000" msg_box="1"><parts>'
        '<part ct="text/plain" text="rye" /><part ct="image/jpeg" cl="a.jpg" data="AAAA" /></parts>'
        '<addrs><addr address="+447700900124" type="137" /></addrs></mms>\n</smses>\n',
    ),
}
"""The file's name and what is in it, by format; `name-…` is another layout of a format."""


def seed_bytes(name: str) -> bytes:
    """Return what is in the file."""
    content = SEEDS[name][1]
    return content.encode() if isinstance(content, str) else content
