"""The stages that a reader marks on messages in one form: of a practice case, or of a blind reading."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import FormData


def marks_of(form: FormData, stages: Collection[str], messages: int) -> dict[int, list[str]]:
    """Return the stages by the position of the message; fields are called ``m1``, ``m2``, … What is no stage is left out."""
    marks: dict[int, list[str]] = {}
    for name, value in form.multi_items():
        number = name[1:]
        if name[:1] == "m" and number.isdecimal() and len(number) < 8 and 1 <= int(number) <= messages and value in stages:
            marks.setdefault(int(number), []).append(str(value))
    return marks
