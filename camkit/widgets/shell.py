"""The shell of an explorer: the one module of the pattern that needs ipywidgets."""

from __future__ import annotations

import io
from typing import Any

import ipywidgets
import traitlets
from PIL import Image

from camkit.widgets.canvas import SCALE
from camkit.widgets.explorer import Explorer, status


class Picture(ipywidgets.Image):  # type: ignore[misc]
    """An image with an accessible name: its tooltip.

    The page reads the tooltip only of a widget that has a description, so this one has an empty
    description; without it the image is not shown at all.
    """

    description = traitlets.Unicode("").tag(sync=True)


class Shell:
    """The widgets of one explorer, and the callback that joins them.

    Args:
        explorer: what is to be shown.
    """

    def __init__(self, explorer: Explorer[Any]) -> None:
        self.explorer = explorer
        first = explorer.frame()
        with Image.open(io.BytesIO(first.jpeg)) as image:
            wide, high = (n // SCALE for n in image.size)
        self.inputs: dict[str, Any] = {}
        for control in explorer.controls:
            made = control.widget(getattr(explorer.start, control.name))
            made.description, made.tooltip = control.description, control.tooltip
            made.style.description_width = "7.5em"
            made.layout = {"width": "24em", "max_width": "100%", "margin": "2px 1.5em 2px 0"}
            made.observe(self.redraw, names="value")
            self.inputs[control.name] = made
        self.picture = Picture(value=first.jpeg, format="jpeg", width=str(wide), height=str(high))
        self.picture.tooltip = explorer.alt
        self.picture.layout = {"max_width": "100%", "height": "auto", "margin": "8px 0 4px 0"}
        self.readout = ipywidgets.HTML(status(first.text))
        self.readout.layout = {"margin": "0"}
        row = ipywidgets.Box(list(self.inputs.values()))
        row.layout = {"display": "flex", "flex_flow": "row wrap", "align_items": "flex-start"}
        self.box = ipywidgets.VBox([row, self.picture, self.readout])
        self.box.layout = {"max_width": f"{wide + 16}px", "overflow": "hidden"}
        self.box.add_class("camkit-explorer")
        self.box.add_class(f"camkit-explorer-{explorer.name}")

    def redraw(self, _change: Any) -> None:
        """Show the setting of the controls; an error is said in the read-out, and raised."""
        values = {name: made.value for name, made in self.inputs.items()}
        try:
            frame = self.explorer.frame(**values)
        except Exception as error:
            self.readout.value = status(
                f"This setting cannot be drawn: {type(error).__name__}: {error}\n"
                "The picture above still shows the last one that could be."
            )
            raise
        self.picture.value = frame.jpeg
        self.readout.value = status(frame.text)
