"""Measure the numbers that come with camkit: ``python -m camkit.tables make`` or ``real``."""

from __future__ import annotations

import argparse
import sys

from camkit.tables import photographs, shipped


def main(argv: list[str] | None = None) -> int:
    """Write `numbers/tables.json` (make) or `numbers/real.safetensors` (real)."""
    parser = argparse.ArgumentParser(prog="python -m camkit.tables", description=__doc__)
    parser.add_argument(
        "what",
        choices=("make", "real"),
        help="make: the shipped networks on drawings; real: networks and photographs of yours",
    )
    asked = parser.parse_args(argv)
    try:
        print(shipped.make() if asked.what == "make" else photographs.make())
    except ValueError as error:
        print(f"camkit.tables: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
