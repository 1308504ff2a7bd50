"""Which conversations would teach most if a person labelled them next: a pure read of results.

A batch is chosen one by one. Each time the conversation with the highest product wins of how unsure the model is of it and how
unlike it is to what is labelled or chosen already (farthest-first on the stage profiles; Sener and Savarese 2018 call it a
core-set), so that fifty proposals are not fifty copies of one doubt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.results import Run, ScoredConversation

_STAGES_NAMED = 3
_LEAST = 1e-4


@dataclass(frozen=True, slots=True)
class Proposal:
    """A conversation to label next: how unsure the model is of it, how unlike it is to those before it (in [0, 1]), and why."""

    run: str
    conversation_id: str
    risk: float
    uncertainty: float
    distance: float
    reason: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    run: Run
    run_id: str
    scored: ScoredConversation

    @property
    def stages(self) -> Sequence[float]:
        """The highest probability of each stage, in the order of the taxonomy; 0 where only the prefilter read."""
        return list(self.scored.stages.values()) if self.scored.stages else [0.0] * len(self.run.taxonomy.stages)


def propose(runs: Iterable[Run], *, labelled: Collection[str] = (), count: int = 50) -> Sequence[Proposal]:
    """Return up to ``count`` proposals, the best first. What is in ``labelled``, by id, is left out and was learned already."""
    everything = [_Candidate(run, run.id, scored) for run in runs for scored in run.conversations() if scored.messages]
    known = [c for c in everything if c.scored.conversation_id in labelled]
    open_ = [c for c in everything if c.scored.conversation_id not in labelled]
    if not open_ or count < 1:
        return []
    profiles = np.stack([_profile(c) for c in open_])
    unsure = np.array([uncertainty(c.scored.risk, c.run.thresholds.risk) for c in open_])
    scale = float(np.sqrt(profiles.shape[1]))
    nearest = np.full(len(open_), 1.0)
    for candidate in known:
        nearest = np.minimum(nearest, _distances(profiles, _profile(candidate), scale))
    left = np.ones(len(open_), dtype=bool)
    chosen = []
    while left.any() and len(chosen) < count:
        # A little of each stays, so that an exact copy or a sure case comes last and is not lost.
        best = int(np.argmax(np.where(left, (unsure + _LEAST) * (nearest + _LEAST), -1.0)))
        left[best] = False
        chosen.append(_proposal(open_[best], float(unsure[best]), float(nearest[best]), first=not (known or chosen)))
        nearest = np.minimum(nearest, _distances(profiles, profiles[best], scale))
    return chosen


def uncertainty(risk: float, threshold: float) -> float:
    """Return how much is open: the mean of the risk's own doubt (1 at even odds) and of its nearness to the alert threshold.

    A label at even odds teaches the model, one at the threshold teaches where alerts should begin.
    """
    doubt = 4 * risk * (1 - risk)
    return (doubt + 1 / (1 + abs(_log_odds(risk) - _log_odds(threshold)))) / 2


def _log_odds(probability: float) -> float:
    clipped = min(max(probability, 1e-6), 1 - 1e-6)
    return float(np.log(clipped / (1 - clipped)))


def _profile(candidate: _Candidate) -> npt.NDArray[np.float64]:
    """Return the stages' highest probabilities; of the square root, so that weak signs tell conversations apart too."""
    return np.sqrt(np.asarray(candidate.stages, np.float64))


def _distances(profiles: npt.NDArray[np.float64], profile: npt.NDArray[np.float64], scale: float) -> npt.NDArray[np.float64]:
    return np.linalg.norm(profiles - profile, axis=1) / scale


def _proposal(candidate: _Candidate, unsure: float, distance: float, *, first: bool) -> Proposal:
    risk, threshold = candidate.scored.risk, candidate.run.thresholds.risk
    names = [stage.name for stage in candidate.run.taxonomy.stages]
    stages = sorted(zip(candidate.stages, names, strict=True), reverse=True)
    signs = ", ".join(f"{name} {probability:.2f}" for probability, name in stages[:_STAGES_NAMED])
    near = abs(_log_odds(risk) - _log_odds(threshold)) < 1
    doubt = (
        f"risk {risk:.2f} is close to where alerts begin ({threshold:.2f})"
        if near
        else f"risk {risk:.2f}: the model cannot tell"
        if 0.2 < risk < 0.8
        else f"risk {risk:.2f}: the model is fairly sure, and a label would say whether rightly"
    )
    unlike = "the first of the batch" if first else f"its signs are {_words(distance)} what is labelled or proposed before it"
    return Proposal(
        candidate.run_id, candidate.scored.conversation_id, risk, unsure, distance, f"{doubt}; {unlike}; strongest: {signs}"
    )


def _words(distance: float) -> str:
    return "much like" if distance < 0.05 else "somewhat unlike" if distance < 0.2 else "unlike"
