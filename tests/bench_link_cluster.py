"""Run `safelight link` on a Ray cluster of several nodes and on this machine alone, and compare the files and the time.

    python tests/bench_link_cluster.py --messages 1000000 --nodes 2

Each node is a Ray node with processes and an object store of its own and one core, so what a block needs travels as on a real
cluster; that all run on one machine says nothing about the speed of a network.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from bench_link import simulate

from pipeline.link.link import link
from pipeline.link.schemas import SCHEMAS
from pipeline.output import hashes_of

STORE_BYTES = 300_000_000


def main() -> None:
    """Simulate a network, link it both ways, and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--nodes", type=int, default=2)
    arguments = parser.parse_args()
    import ray  # pyright: ignore[reportMissingImports] - an extra of its own
    from ray.cluster_utils import Cluster  # pyright: ignore[reportMissingImports]

    node = {"num_cpus": 1, "object_store_memory": STORE_BYTES}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        simulate(folder, arguments.messages, arguments.accounts, 0)
        (folder / "key").write_text("ab" * 32, "ascii")
        runs = sorted(folder.glob("run*"))
        alone = link(runs, folder / "local", key=folder / "key")
        cluster = Cluster(initialize_head=True, head_node_args=node)
        try:
            for _ in range(arguments.nodes - 1):
                cluster.add_node(**node)
            ray.init(address=cluster.address, log_to_driver=False)
            alive = [state for state in ray.nodes() if state["Alive"]]
            spread = link(runs, folder / "ray", key=folder / "key", engine="ray")
            ray.shutdown()
        finally:
            cluster.shutdown()
        equal = hashes_of(folder / "local", SCHEMAS) == hashes_of(folder / "ray", SCHEMAS)
        result = {
            "messages": arguments.messages,
            "nodes": len(alive),
            "counts": alone.record["counts"],
            "seconds on this machine": alone.record["seconds"],
            "seconds on the cluster": spread.record["seconds"],
            "equal files": equal,
        }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
