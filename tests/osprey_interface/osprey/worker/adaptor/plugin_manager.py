"""Plug-ins, found by pluggy under the name ``osprey_plugin``."""

from collections.abc import Sequence
from typing import Any

import pluggy
from osprey.engine.udf.base import UDFBase

OSPREY_ADAPTOR = "osprey_plugin"
hookspec = pluggy.HookspecMarker(OSPREY_ADAPTOR)
hookimpl_osprey = pluggy.HookimplMarker(OSPREY_ADAPTOR)


class Hooks:
    @hookspec
    def register_udfs(self) -> Sequence[type[UDFBase[Any, Any]]]:
        raise NotImplementedError


plugin_manager = pluggy.PluginManager(OSPREY_ADAPTOR)
plugin_manager.add_hookspecs(Hooks)
