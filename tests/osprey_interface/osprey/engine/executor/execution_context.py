"""What a function is given beside its arguments."""


class ExecutionContext:
    pass
