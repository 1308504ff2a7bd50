"""Cards: what a corpus or a model is, in Markdown, from a template beside the code that knows it."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined


def render_card(package: str, template: str, **values: object) -> str:
    """Return the text of a template of ``package``; a value that it names and was not given is an error."""
    environment = Environment(
        loader=PackageLoader(package),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown of our own figures
    )
    return environment.get_template(template).render(**values)
