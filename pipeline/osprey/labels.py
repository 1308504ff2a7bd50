"""The labels of Osprey as the place where states lie."""

from __future__ import annotations

from typing import Any

from osprey.engine.language_types.entities import EntityT
from osprey.worker.lib.osprey_shared.labels import EntityLabelMutation, EntityLabels, LabelStatus
from osprey.worker.lib.storage.labels import LabelsProvider

from pipeline.errors import StateError
from pipeline.osprey.scorer import Kept

_REASON = "safelight"


class LabelStore:
    """A label of the conversation: the state is in the features of its reason, which no page shows."""

    def __init__(self, provider: LabelsProvider, label: str) -> None:
        self._provider = provider
        self._label = label

    def read(self, conversation: EntityT[Any]) -> Kept | None:
        """Return what is kept of a conversation, past every cache."""
        return self._kept(self._provider.get_from_service(conversation))

    def replace(self, conversation: EntityT[Any], kept: Kept) -> Kept | None:
        """Keep this, and return what it replaced.

        Raises
        ------
        StateError
            When somebody set or removed the label by hand, which no rule can change.
        """
        mutation = EntityLabelMutation(
            label_name=self._label, reason_name=_REASON, status=LabelStatus.ADDED, features=kept.to_strings()
        )
        result = self._provider.apply_entity_label_mutations(conversation, [mutation])
        if self._kept(result.new_entity_labels) != kept:
            raise StateError(f"the label {self._label} was set by hand, and cannot keep a state", do="Undo that in Osprey")
        return self._kept(result.old_entity_labels)

    def _kept(self, labels: EntityLabels) -> Kept | None:
        state = labels.labels.get(self._label)
        reason = state.reasons.get(_REASON) if state is not None else None
        return None if reason is None else Kept.from_strings(reason.features)
