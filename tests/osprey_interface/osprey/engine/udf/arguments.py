"""Arguments: those that are written into a rule are known when it is read, the others when it runs."""

from typing import Any, Generic, TypeVar, get_type_hints

T = TypeVar("T")


class ConstExpr(Generic[T]):
    def __init__(self, name: str, value: T, argument_span: object = None) -> None:
        self.name = name
        self.value = value
        self.argument_span = argument_span


class ArgumentsBase:
    def __init__(self, arguments: dict[str, Any]) -> None:
        unknown, missing = arguments.keys() - self.items().keys(), self.items().keys() - arguments.keys()
        if unknown or missing:
            raise TypeError(f"unknown {sorted(unknown)}, missing {sorted(missing)}")
        for name, value in arguments.items():
            setattr(self, name, value)

    @classmethod
    def items(cls) -> dict[str, Any]:
        return get_type_hints(cls)
