"""Names for conversations that tell nothing of the people in them, and that a person can say and remember."""

from __future__ import annotations

import hashlib

_FIRST = (
    *("Amber", "Azure", "Bright", "Brisk", "Bronze", "Calm", "Cedar", "Clear", "Cobalt", "Copper", "Coral", "Crisp", "Dawn"),
    *("Deep", "Dusky", "Early", "Elder", "Evening", "Fair", "Fern", "First", "Gentle", "Golden", "Grey", "Hazel", "High"),
    *("Indigo", "Ivory", "Jade", "Keen", "Lasting", "Late", "Light", "Lilac", "Linen", "Little", "Long", "Low", "Maple"),
    *("Mellow", "Misty", "Morning", "Mossy", "Near", "Noble", "Northern", "Olive", "Open", "Pale", "Pearl", "Plain", "Quiet"),
    *("Rapid", "Rose", "Round", "Russet", "Sandy", "Scarlet", "Silver", "Slate", "Smooth", "Southern", "Steady", "Winter"),
)
_SECOND = (
    *("Anchor", "Apple", "Arch", "Barley", "Bay", "Beacon", "Bell", "Birch", "Bridge", "Brook", "Candle", "Canyon", "Cedar"),
    *("Chapel", "Clover", "Coast", "Comet", "Compass", "Cove", "Creek", "Delta", "Dune", "Field", "Fjord", "Forest", "Fountain"),
    *("Garden", "Gate", "Glacier", "Grove", "Harbour", "Heath", "Hill", "Island", "Lagoon", "Lake", "Lantern", "Larch", "Ledge"),
    *("Lighthouse", "Meadow", "Mill", "Moor", "Mountain", "Oak", "Orchard", "Path", "Pebble", "Pier", "Pine", "Pond", "Quarry"),
    *("Reef", "Ridge", "River", "Road", "Shore", "Spring", "Square", "Stone", "Summit", "Tower", "Valley", "Willow"),
)


def pseudonym(run_id: str, conversation_id: str) -> str:
    """Return two words for a conversation: the same ones always, though another may have them too; its number tells it apart."""
    digest = hashlib.sha256(f"{run_id}\n{conversation_id}".encode("utf-8", "surrogatepass")).digest()
    return f"{_FIRST[digest[0] % len(_FIRST)]} {_SECOND[digest[1] % len(_SECOND)]}"
