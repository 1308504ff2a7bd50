"""Write a summary as one plain sentence in a reader's language, out of phrases that stand in a file for each language."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from pipeline.summaries import LANGUAGES
from pipeline.summaries.summary import Clause, Summary

_ROOT = "pipeline.summaries"


@lru_cache(maxsize=16)
def phrases(language: str) -> Mapping[str, Any]:
    """Return the phrases of a language; English where there are none in it."""
    name = language if language in LANGUAGES else "en"
    return tomllib.loads(files(_ROOT).joinpath("phrases", f"{name}.toml").read_text("utf-8"))


def sentence(summary: Summary, names: Mapping[str, str], *, language: str = "en") -> str:
    """Return the sentence; ``names`` are the taxonomy's own, for stages that the phrases do not know.

    It names the actor, whom it is directed at and the age that they say, what is asked, and the messages: nothing else.
    """
    words = phrases(language)
    if not summary.clauses:
        return words["nothing"].format(actor=summary.actor or "–")
    asked = [text for clause in summary.clauses if (text := _ask(clause, words))]
    noted = [text for clause in summary.clauses if not _ask(clause, words) and (text := _note(clause, words, names))]
    about = {
        "actor": summary.actor or "–",
        "target": summary.target or words["others"],
        "age": words["age"].format(age=summary.age) if summary.age is not None else "",
    }
    if asked:
        text = words["asks"].format(what=_joined(asked, words["and"]), **about)
        if noted:
            text += words["also"].format(what=_joined(noted, words["and"]))
    else:
        text = words["writes"].format(what=_joined(noted, words["and"]), **about)
    numbers = ", ".join(map(str, summary.positions))
    text += "; " + words["message" if len(summary.positions) == 1 else "messages"].format(numbers=numbers)
    if summary.others:
        text += words["signs_of_others"].format(who=_joined(summary.others, words["and"]))
    return text + "."


def level_name(level: str, *, language: str = "en") -> str:
    """Return what a level of urgency is called."""
    return phrases(language)["level"][level]


def _ask(clause: Clause, words: Mapping[str, Any]) -> str | None:
    """Return what is asked for, where a stage asks for something."""
    ask, facts = words["ask"], clause.facts
    values = _values(facts)
    if clause.stage == "secrecy":
        return ask["secrecy_from"].format(who=words["from"][values["from"]]) if "from" in values else ask["secrecy"]
    if clause.stage == "risk_assessment":
        return ask["risk_assessment"]
    if clause.stage == "desensitisation":
        return ask.get(f"desensitisation_{values['how']}") if "how" in values else None
    if clause.stage == "approach":
        how = next((value for value in ("camera", "call", "meet") if f"how:{value}" in facts), None)
        how = how or ("meet" if "place" in values else "any")
        phrase, when = ask[f"approach_{how}"], _when_and_where(values, words)
        return phrase.format(when=when).strip() if "{when}" in phrase else phrase + when
    return None


def _when_and_where(values: Mapping[str, str], words: Mapping[str, Any]) -> str:
    parts = [words["day"][values["day"]]] if "day" in values else []
    parts += [words["hour"].format(hour=values["hour"])] if "hour" in values else []
    parts += [words["place"][values["place"]]] if "place" in values else []
    return "".join(f" {part}" for part in parts)


def _note(clause: Clause, words: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Return the noun for a stage that asks for nothing, with what its messages name."""
    note = words["note"]
    facts = [note[key] for fact in clause.facts if (key := f"{clause.stage}_{fact.partition(':')[2]}") in note]
    if facts:
        return _joined(facts, words["and"])
    return note.get(clause.stage) or words["other"].format(name=names.get(clause.stage, clause.stage))


def _values(facts: Sequence[str]) -> dict[str, str]:
    """Return the first value of each kind."""
    values: dict[str, str] = {}
    for fact in facts:
        kind, _, value = fact.partition(":")
        values.setdefault(kind, value)
    return values


def _joined(parts: Sequence[str], and_: str) -> str:
    return f"{', '.join(parts[:-1])} {and_} {parts[-1]}" if len(parts) > 1 else "".join(parts)
