"""The lint rules lie beside the tests as plain modules, so that each can be read on its own."""

from __future__ import annotations

import sys
from pathlib import Path

if (here := str(Path(__file__).resolve().parent)) not in sys.path:
    sys.path.insert(0, here)
