"""Take the picture of the report that the README shows, in headless Chromium, from `make score`'s own run on the samples.

::

    make score && python docs/picture.py out docs/img/report.webp
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

WIDTH, HEIGHT, MOST_BYTES = 1280, 860, 200_000


def main() -> None:
    """Write the picture of a run's report, under 200 KB."""
    run, place = Path(sys.argv[1]), Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        taken = Path(folder) / "report.png"
        page = (run / "report.html").resolve().as_uri()
        options = ("--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={WIDTH},{HEIGHT}", f"--screenshot={taken}")
        subprocess.run(["chromium", *options, page], check=True, capture_output=True, timeout=120)  # noqa: S603, S607
        Image.open(taken).convert("RGB").save(place, "WEBP", quality=82, method=6)
    if place.stat().st_size > MOST_BYTES:
        sys.exit(f"{place}: {place.stat().st_size:,} bytes are more than {MOST_BYTES:,}")


if __name__ == "__main__":
    main()
