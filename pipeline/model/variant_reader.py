"""Choose what answers of variants of conversations, by the kind of the model."""

from __future__ import annotations

from pipeline.model.base import Model
from pipeline.model.encoder.encoder import EncoderModel
from pipeline.model.encoder.variants import VectorReader
from pipeline.model.variants import Conversations, PredictingReader, VariantReader


def variant_reader(conversations: Conversations, model: Model) -> VariantReader:
    """Return the reader of variants that fits the model: from vectors where it makes them."""
    return VectorReader(conversations, model) if isinstance(model, EncoderModel) else PredictingReader(conversations, model)
