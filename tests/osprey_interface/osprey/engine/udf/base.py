"""Functions of rules."""

import typing
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

from osprey.engine.ast_validator.validation_context import ValidationContext
from osprey.engine.executor.execution_context import ExecutionContext

from .arguments import ArgumentsBase

Arguments = TypeVar("Arguments", bound=ArgumentsBase)
RValue = TypeVar("RValue")


class UDFBase(ABC, Generic[Arguments, RValue]):
    execute_async: ClassVar[bool] = False
    category: ClassVar[str | None] = None

    def __init__(self, validation_context: ValidationContext, arguments: Arguments) -> None:
        self._rvalue_type_checker = None

    @abstractmethod
    def execute(self, execution_context: ExecutionContext, arguments: Arguments) -> RValue:
        raise NotImplementedError

    @classmethod
    def types(cls) -> tuple[Any, ...]:
        """Return the type of the arguments and that of the result, as a subclass gives them in brackets."""
        for base in cls.__mro__:
            for generic in getattr(base, "__orig_bases__", ()):
                if typing.get_origin(generic) is UDFBase:
                    return typing.get_args(generic)
        raise TypeError(f"{cls.__name__} gives no types")
