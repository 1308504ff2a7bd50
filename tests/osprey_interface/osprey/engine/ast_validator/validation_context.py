"""Errors that are found when rules are read."""


class ValidationContext:
    def __init__(self) -> None:
        self.errors: list[tuple[str, object, str]] = []

    def add_error(self, message: str, span: object, hint: str = "") -> None:
        self.errors.append((message, span, hint))
