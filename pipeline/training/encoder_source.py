"""Find out whether a recipe's encoder can be had, before anything takes time: on this machine, or else on the hub."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

from pipeline.errors import ConfigError

HUB = "https://huggingface.co"
_SECONDS = 5.0
_OFF = ("0", "", "FALSE", "NO", "OFF")


def require_encoder(name: str, *, path: Path | None = None) -> None:
    """Look for an encoder, in a few seconds; the hub's own client would try again for a minute.

    Raises
    ------
    ConfigError
        When there is no such folder, or it is not on this machine and the hub cannot be reached.
    """
    if path is not None:
        if not (path / "config.json").is_file():
            raise ConfigError("there is no encoder (no config.json)", where=str(path), do="Give the folder that was downloaded")
        return
    if (Path(name) / "config.json").is_file() or _is_kept(name):
        return
    fetch = f"Where there is a network run: hf download {name} --local-dir ENCODER; then give --encoder ENCODER"
    if any(os.environ.get(variable, "").upper() not in _OFF for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")):
        raise ConfigError(f"the encoder {name} is not on this machine, and HF_HUB_OFFLINE is set", do=fetch)
    hub = os.environ.get("HF_ENDPOINT", HUB)
    if not _reachable(hub):
        raise ConfigError(f"the encoder {name} is not on this machine, and {hub} cannot be reached", do=fetch)


def _is_kept(name: str) -> bool:
    """Tell whether an earlier run has fetched it."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        return isinstance(try_to_load_from_cache(name, "config.json"), str)
    except HFValidationError as error:
        raise ConfigError(f"{name} is neither a folder nor a name on the hub", do="Check `encoder` in the recipe") from error


def _reachable(hub: str) -> bool:
    """Tell whether the hub, or the proxy that leads to it, takes a connection."""
    address = urlsplit(getproxies().get(urlsplit(hub).scheme) or hub)
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        with socket.create_connection((address.hostname or "", port), timeout=_SECONDS):
            return True
    except OSError:
        return False
