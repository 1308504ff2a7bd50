"""Labels of an entity, each with its reasons; what a person set by hand, no rule changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum


class LabelStatus(IntEnum):
    REMOVED = 0
    ADDED = 1
    MANUALLY_REMOVED = 2
    MANUALLY_ADDED = 3


@dataclass
class LabelReason:
    description: str = ""
    features: dict[str, str] = field(default_factory=dict)


@dataclass
class LabelState:
    status: LabelStatus
    reasons: dict[str, LabelReason]


@dataclass
class EntityLabels:
    labels: dict[str, LabelState] = field(default_factory=dict)


@dataclass
class EntityLabelMutation:
    label_name: str = ""
    reason_name: str = ""
    status: LabelStatus = LabelStatus.ADDED
    description: str = ""
    features: dict[str, str] = field(default_factory=dict)


@dataclass
class EntityLabelMutationsResult:
    new_entity_labels: EntityLabels
    old_entity_labels: EntityLabels
