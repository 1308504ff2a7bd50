"""The exceptions of Safelight.

::

    SafelightError            anything a user can mend; the CLI prints it and exits with 2
    ├── ConfigError           a setting, a recipe, the taxonomy
    ├── ExportError           a chat export that cannot be read whole
    │   ├── AmbiguousDateOrder    the file does not tell day from month
    │   ├── UnknownFormat         no reader recognises the content
    │   └── ArchiveRefused        an archive that is not safe to open
    ├── CorpusError           a labelled corpus that breaks its own rules
    ├── ModelFolderError      a model folder that is incomplete or changed
    ├── InputError            an argument of a function that is of the wrong type, length or name
    ├── StateError            the state of a stream that is damaged, or of another model
    ├── ResultsError          results that cannot be written or read
    │   └── Unfinished            a run that ended early, and goes on from there when it is run again; exit code 3
    └── ReviewError           the store of the review, an account, a decision
        └── DecidedMeanwhile      another reader was quicker, or works on it

A message says what happened, where (``file:line``) and what to do. It never holds the text of a chat message, nor what a
terminal would obey.
"""

from __future__ import annotations

from pipeline.printable import printable, printable_lines

__all__ = [
    "AmbiguousDateOrder",
    "ArchiveRefused",
    "ConfigError",
    "CorpusError",
    "DecidedMeanwhile",
    "ExportError",
    "InputError",
    "ModelFolderError",
    "ResultsError",
    "ReviewError",
    "SafelightError",
    "StateError",
    "Unfinished",
    "UnknownFormat",
]


class SafelightError(Exception):
    """Something that the user can mend.

    Parameters
    ----------
    what
        What happened, with the offending value, in one sentence without its full stop.
    where
        ``file``, ``file:line`` or ``file: byte N``.
    do
        What to do about it, in one sentence without its full stop.
    """

    def __init__(self, what: str, *, where: str | None = None, do: str | None = None) -> None:
        super().__init__(what, where, do)
        self.what = what
        self.where = where
        self.do = do

    def __str__(self) -> str:
        place = f"{printable(self.where)}: " if self.where else ""
        advice = f" {self.do}." if self.do else ""
        return place + printable_lines(f"{self.what}.{advice}")


class ConfigError(SafelightError):
    """A setting, a recipe or the taxonomy is not valid."""


class ExportError(SafelightError):
    """A chat export cannot be read whole."""


class AmbiguousDateOrder(ExportError):
    """The dates of an export fit day-first and month-first alike."""


class UnknownFormat(ExportError):
    """No reader recognises the content."""


class ArchiveRefused(ExportError):
    """An archive is damaged, or not safe to open."""


class CorpusError(SafelightError):
    """A labelled corpus breaks its own rules."""


class ModelFolderError(SafelightError):
    """A model folder is incomplete, changed, or not ours to load."""


class ResultsError(SafelightError):
    """Results cannot be written, or what lies there is not a result of ours."""


class Unfinished(ResultsError):
    """A run ended before it was done; what was scored is kept, and running it again goes on from there."""


class InputError(SafelightError, ValueError):
    """An argument of a function, or a field of a request, is of the wrong type, length or name."""


class StateError(SafelightError):
    """The state of a conversation in a stream is damaged, of another model or of another version."""


class ReviewError(SafelightError):
    """The store of the review cannot be used so, or an account or a decision breaks a rule."""


class DecidedMeanwhile(ReviewError):
    """Another reader decided a conversation, or works on it, while somebody was about to decide."""
