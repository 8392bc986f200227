"""What a learner moves and clicks: thin ipywidgets shells around pure functions.

Each name is imported when it is first used, and ipywidgets when something is shown, so that the
package stays cheap to import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from camkit.widgets.browser import unit_browser
    from camkit.widgets.classes import any_class, difference
    from camkit.widgets.cover import cover_it
    from camkit.widgets.dial import bias_dial
    from camkit.widgets.explorer import Choice, Explorer, Frame, Slider, Tick
    from camkit.widgets.film import film_strip
    from camkit.widgets.mix import mix_the_units
    from camkit.widgets.sizes import framing
    from camkit.widgets.swap import fit_heads, head_swapper
    from camkit.widgets.sweep import threshold
    from camkit.widgets.takeout import take_it_out
    from camkit.widgets.tools import swap_the_tool
    from camkit.widgets.uploads import upload
    from camkit.widgets.votes import predict
    from camkit.widgets.window import crop_window

_HOME = {
    "Choice": "explorer",
    "Explorer": "explorer",
    "Frame": "explorer",
    "Slider": "explorer",
    "Tick": "explorer",
    "any_class": "classes",
    "bias_dial": "dial",
    "cover_it": "cover",
    "crop_window": "window",
    "difference": "classes",
    "film_strip": "film",
    "fit_heads": "swap",
    "framing": "sizes",
    "head_swapper": "swap",
    "mix_the_units": "mix",
    "predict": "votes",
    "swap_the_tool": "tools",
    "take_it_out": "takeout",
    "threshold": "sweep",
    "unit_browser": "browser",
    "upload": "uploads",
}

__all__ = [
    "Choice",
    "Explorer",
    "Frame",
    "Slider",
    "Tick",
    "any_class",
    "bias_dial",
    "cover_it",
    "crop_window",
    "difference",
    "film_strip",
    "fit_heads",
    "framing",
    "head_swapper",
    "mix_the_units",
    "predict",
    "swap_the_tool",
    "take_it_out",
    "threshold",
    "unit_browser",
    "upload",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'camkit.widgets' has no attribute {name!r}")
    globals()[name] = getattr(importlib.import_module(f"camkit.widgets.{_HOME[name]}"), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
