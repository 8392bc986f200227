"""Measure the numbers that come with camkit: ``python -m camkit.tables make``, ``framing``,
``real``, ``covering``, ``transfer``, ``scenes``, ``actions``, ``birds`` or ``discover``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from camkit.tables import (
    actions,
    closer,
    covering,
    discovered,
    framing,
    photographs,
    scenes,
    shipped,
    transferred,
)


def main(argv: list[str] | None = None) -> int:
    """Write the file of what was asked for into `numbers/`, or say why not."""
    makers: dict[str, Callable[[], Path]] = {
        "make": shipped.make,
        "framing": framing.make,
        "real": photographs.make,
        "covering": covering.make,
        "transfer": transferred.make,
        "scenes": scenes.make,
        "actions": actions.make,
        "birds": closer.make,
        "discover": discovered.make,
    }
    parser = argparse.ArgumentParser(prog="python -m camkit.tables", description=__doc__)
    parser.add_argument(
        "what",
        choices=list(makers),
        help="make: the shipped networks on drawings; framing: two of them, on objects of several "
        "sizes; real: networks and photographs of yours; covering: both, covered, turned, "
        "enlarged; transfer: an SVM on their features of photographs; scenes: one on drawn scenes; "
        "actions: one on people who do things; "
        "birds: one on drawn birds, seen through windows; discover: classes without their units, "
        "and the objects of scenes",
    )
    asked = parser.parse_args(argv)
    try:
        print(makers[asked.what]())
    except ValueError as error:
        print(f"camkit.tables: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
