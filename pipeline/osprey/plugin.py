"""The plug-in: what Osprey finds by the entry point ``osprey_plugin``. Nothing else imports this module: it needs Osprey.

::

    Risk = SafelightRisk(conversation=ConversationEntity, message_id=MessageId, speaker=UserId, text=MessageText)

Osprey makes an instance of a function for each place that calls it; all of them share one model and one state a conversation.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from osprey.engine.ast_validator.validation_context import ValidationContext
from osprey.engine.executor.execution_context import ExecutionContext
from osprey.engine.language_types.entities import EntityT
from osprey.engine.stdlib.udfs.categories import UdfCategories
from osprey.engine.udf.arguments import ArgumentsBase, ConstExpr
from osprey.engine.udf.base import UDFBase
from osprey.worker.adaptor.plugin_manager import hookimpl_osprey
from osprey.worker.lib.singletons import LABELS_PROVIDER

from pipeline.errors import ConfigError
from pipeline.osprey.labels import LabelStore
from pipeline.osprey.scorer import ConversationScorer, SharedModel
from pipeline.schema import Message, MessageScore, Source

LABEL_VARIABLE = "SAFELIGHT_OSPREY_LABEL"
"""The environment variable that names the label which holds the states. Another model needs another label."""

DEFAULT_LABEL = "safelight_state"

_model = SharedModel()


def _label_store() -> LabelStore:
    provider = LABELS_PROVIDER.instance()
    if provider is None:
        raise ConfigError(
            "Osprey has no labels service, and a state needs a place", do="Register one: register_labels_service_or_provider"
        )
    return LabelStore(provider, os.environ.get(LABEL_VARIABLE) or DEFAULT_LABEL)


_scorer: ConversationScorer[EntityT[Any]] = ConversationScorer(_model.stepper, _label_store)


class MessageArguments(ArgumentsBase):
    """What a function is told of a message."""

    conversation: EntityT[Any]
    """The conversation. Its labels hold the state."""
    message_id: str
    """The message's id: a message that comes again at once is not counted again."""
    speaker: str
    """Who wrote it."""
    text: str
    """The words."""


class StageArguments(MessageArguments):
    """The same, and a stage."""

    stage: ConstExpr[str]
    """The key of a stage of the model's taxonomy."""


def _score(arguments: MessageArguments) -> MessageScore:
    message = Message(
        message_id=arguments.message_id, speaker=arguments.speaker, text=arguments.text, kind="message", source=Source("osprey")
    )
    return _scorer.score(arguments.conversation, str(arguments.conversation.id), message)


class SafelightRisk(UDFBase[MessageArguments, float]):
    """Return the risk of the conversation after this message, from 0 to 1."""

    category = UdfCategories.STRING
    execute_async = True

    def execute(self, execution_context: ExecutionContext, arguments: MessageArguments) -> float:
        """Score the message, if no other function did."""
        return _score(arguments).risk


class SafelightSpeakerRisk(UDFBase[MessageArguments, float]):
    """Return the risk of what this speaker has written in the conversation, from 0 to 1; 0 where the message has no words."""

    category = UdfCategories.STRING
    execute_async = True

    def execute(self, execution_context: ExecutionContext, arguments: MessageArguments) -> float:
        """Score the message, if no other function did."""
        return _score(arguments).speaker_risk or 0.0


class SafelightAlert(UDFBase[MessageArguments, bool]):
    """Return whether the conversation's risk has reached the threshold of the model: a reason to read it, and no more."""

    category = UdfCategories.STRING
    execute_async = True

    def execute(self, execution_context: ExecutionContext, arguments: MessageArguments) -> bool:
        """Score the message, if no other function did."""
        return _score(arguments).risk >= _model.alert_from


class SafelightStage(UDFBase[StageArguments, float]):
    """Return the probability that this message carries a stage; 0 where it has no words."""

    category = UdfCategories.STRING
    execute_async = True

    def __init__(self, validation_context: ValidationContext, arguments: StageArguments) -> None:
        """Check the name of the stage when the rules are read."""
        super().__init__(validation_context, arguments)
        if arguments.stage.value not in _model.stages:
            validation_context.add_error(
                message="unknown stage", span=arguments.stage.argument_span, hint=f"the stages are {', '.join(_model.stages)}"
            )

    def execute(self, execution_context: ExecutionContext, arguments: StageArguments) -> float:
        """Score the message, if no other function did."""
        return (_score(arguments).stages or {}).get(arguments.stage.value, 0.0)


@hookimpl_osprey
def register_udfs() -> Sequence[type[UDFBase[Any, Any]]]:
    """Tell Osprey the functions."""
    return [SafelightRisk, SafelightSpeakerRisk, SafelightAlert, SafelightStage]
