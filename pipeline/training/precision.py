"""Where bf16 pays: on GPUs and CPUs that multiply in it, training and embedding take half the time; on others they take longer."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from archspec.cpu.detect import detected_info


def has_bf16() -> bool:
    """Tell whether what trains here multiplies in bf16."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    return not detected_info().features.isdisjoint({"avx512_bf16", "amx_bf16"})


def in_bf16(device: torch.device) -> AbstractContextManager[object]:
    """Return a context in which products are in bf16 where that pays."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if has_bf16() else nullcontext()
