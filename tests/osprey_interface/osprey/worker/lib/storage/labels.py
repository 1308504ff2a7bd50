"""Where labels lie. The class that does the work there asks a service; here it is a dictionary."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from osprey.engine.language_types.entities import EntityT
from osprey.worker.lib.osprey_shared.labels import (
    EntityLabelMutation,
    EntityLabelMutationsResult,
    EntityLabels,
    LabelReason,
    LabelState,
    LabelStatus,
)


class LabelsProvider:
    def __init__(self) -> None:
        self.stored: dict[EntityT[Any], EntityLabels] = {}

    def get_from_service(self, key: EntityT[Any]) -> EntityLabels:
        return copy.deepcopy(self.stored.get(key, EntityLabels()))

    def apply_entity_label_mutations(
        self, entity: EntityT[Any], mutations: Sequence[EntityLabelMutation]
    ) -> EntityLabelMutationsResult:
        labels = self.stored.setdefault(entity, EntityLabels())
        old = copy.deepcopy(labels)
        for mutation in mutations:
            state = labels.labels.setdefault(mutation.label_name, LabelState(mutation.status, {}))
            if state.status >= LabelStatus.MANUALLY_REMOVED > mutation.status:
                continue
            if state.status != mutation.status:
                state.status, state.reasons = mutation.status, {}
            state.reasons[mutation.reason_name] = LabelReason(mutation.description, dict(mutation.features))
        return EntityLabelMutationsResult(copy.deepcopy(labels), old)
