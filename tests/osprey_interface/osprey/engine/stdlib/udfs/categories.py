"""The groups of functions in the documentation of rules."""

from enum import Enum


class UdfCategories(str, Enum):  # noqa: UP042 - as there
    ENGINE = "Engine"
    STRING = "String"
