"""Keys of the HTTP service, and what it takes to answer other machines."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the service is an extra")
pytest.importorskip("prometheus_client", reason="the service is an extra")

from pipeline.errors import ConfigError
from pipeline.serve.keys import add_key, read_keys
from pipeline.serve.run import Place


@pytest.mark.parametrize("line", ["shop", f"shop {'x' * 64}", f"sh/op {'0' * 64}", ""])
def test_a_file_of_keys_with_another_line_is_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(line, "utf-8")
    with pytest.raises(ConfigError):
        read_keys(tmp_path / "keys")


def test_a_name_has_one_key(tmp_path: Path) -> None:
    add_key(tmp_path / "keys", "shop")
    with pytest.raises(ConfigError, match="of that name"):
        add_key(tmp_path / "keys", "shop")


@pytest.mark.parametrize(
    ("place", "named"),
    [
        (Place(host="0.0.0.0"), "--keys"),  # noqa: S104
        (Place(host="0.0.0.0", keys=Path("keys")), "--tls-cert"),  # noqa: S104
        (Place(host="example.org"), "--keys"),
        (Place(certificate=Path("cert.pem")), "--tls-key"),
    ],
)
def test_other_machines_are_served_only_with_keys_and_tls(place: Place, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        place.checked()
