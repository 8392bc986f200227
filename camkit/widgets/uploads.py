"""Your own photograph in a notebook: chosen, read safely, kept in memory only, and shown."""

from __future__ import annotations

import html
import io
import os
from collections.abc import Callable
from typing import Any, TypeAlias

from PIL import Image

from camkit.images import MAX_MEGAPIXELS, Array, PictureError, read_bytes
from camkit.widgets.explorer import status

Step: TypeAlias = Callable[[Array], Any]

JUPYTERS_LIMIT = 10 * 1024 * 1024
"""The largest message of a Jupyter server, where nobody raised it; an upload is one message."""
PREVIEW = 220
"""Longest side of the small picture beside the button, in pixels."""
ASKED = "Choose a photograph above, and this cell shows it with yours."


def upload_limit() -> int:
    """Tell how many bytes an upload may have: `camkit lab` raises Jupyter's limit, and says so.

    Returns:
        Bytes.
    """
    return int(os.environ.get("CAMKIT_UPLOAD_BYTES", JUPYTERS_LIMIT))


class Upload:
    """A button for one photograph, and what is done with it.

    The file's bytes are taken from the button at once and the photograph is kept as pixels of the
    running kernel: nothing is written to a disk, and what `then` shows lives in the page, not in
    the notebook's file.

    Args:
        on: what to do with each photograph.

    Example:
        >>> mine = Upload(lambda photo: print(photo.shape))
        >>> file = io.BytesIO()
        >>> Image.new("RGB", (60, 40), "navy").save(file, "png")
        >>> mine.receive("sea.png", file.getvalue())
        (40, 60, 3)
        >>> mine.said
        'sea.png: 60 × 40 pixels, upright. It stays in the memory of this kernel.'
    """

    def __init__(self, on: Step | None = None) -> None:
        self.picture: Array | None = None
        self.name = ""
        self.said = f"No photograph yet. {limits()}"
        self._steps: dict[str, _Shown] = {}
        self._widget: Any = None
        self._on = None if on is None else _Shown(on, "")

    def then(self, step: Step) -> _Shown:
        """Show what a function makes of the photograph: of one that is there, and of each to come.

        Args:
            step: called with the picture ``(H, W, 3)`` uint8, upright; what it shows and what it
                returns appear below. Given again under the same name, it takes the old one's place.

        Returns:
            What to show, as the last line of a cell.

        Raises:
            TypeError: ``step`` is not a function.
        """
        shown = _Shown(step, ASKED)
        self._steps[getattr(step, "__name__", repr(step))] = shown
        if self.picture is not None:
            shown.run(self.picture)
        return shown

    def receive(self, name: str, data: bytes) -> None:
        """Take a file as the button hands it over; what cannot be read gets one clear sentence.

        Args:
            name: the file's name.
            data: its bytes.
        """
        try:
            picture = read_bytes(data, name)
        except PictureError as error:
            still = f" The photograph before it, {self.name}, still stands." if self.name else ""
            self._say(f"{error}{still}")
            return
        self.picture, self.name = picture, name
        high, wide = picture.shape[:2]
        self._say(
            f"{name}: {wide} × {high} pixels, upright. It stays in the memory of this kernel."
        )
        for shown in ([self._on] if self._on else []) + list(self._steps.values()):
            shown.run(picture)

    def forget(self) -> None:
        """Drop the photograph and all that was shown of it."""
        self.picture, self.name = None, ""
        self._say(f"Forgotten. {limits()}")
        for shown in ([self._on] if self._on else []) + list(self._steps.values()):
            shown.clear()

    # --- the widget -----------------------------------------------------------------------------

    @property
    def widget(self) -> Any:
        """The buttons, the line that says what came, a small picture, and what ``on`` shows."""
        if self._widget is None:
            self._widget = self._built()
        return self._widget

    def _built(self) -> Any:
        import ipywidgets

        from camkit.widgets.shell import Picture

        self._button = ipywidgets.FileUpload(
            accept="image/*", multiple=False, description="Choose a photograph"
        )
        self._button.tooltip = f"Choose one photograph of this device. {limits()}"
        self._button.layout = {"width": "18em"}
        self._button.observe(self._chosen, names="value")
        forget = ipywidgets.Button(description="Forget it", layout={"width": "8em"})
        forget.tooltip = "Drop the photograph and all that was shown of it."
        forget.on_click(lambda _: self.forget())
        self._line = ipywidgets.HTML()
        self._small = Picture(format="jpeg")
        self._small.tooltip = "The photograph that was chosen, small."
        self._small.layout = {"max_width": f"{PREVIEW}px", "align_self": "flex-start"}
        parts = [ipywidgets.HBox([self._button, forget]), self._line, self._small]
        if self._on is not None:
            parts.append(self._on.widget)
        box = ipywidgets.VBox(parts)
        box.add_class("camkit-upload")
        self._widget = box
        self._say(self.said)
        return box

    def _chosen(self, change: Any) -> None:
        if not change["new"]:
            return
        (file,) = change["new"]
        # Out of the button, whose state a page may save, before anything else.
        self._button.value = ()
        self.receive(file["name"], bytes(file["content"]))

    def _say(self, text: str) -> None:
        self.said = text
        if self._widget is None:
            return
        self._line.value = status(text)
        self._small.value = b"" if self.picture is None else _preview(self.picture)
        self._small.layout.display = "none" if self.picture is None else None

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Show the widget; where widgets are not understood, a line instead."""
        bundle = self.widget._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        data["text/plain"] = "[A button to choose a photograph of your own]"
        return bundle


class _Shown:
    """What a step makes of the photograph: an output that the page holds, not the file."""

    def __init__(self, step: Step, waiting: str) -> None:
        given: object = step
        if not callable(given):
            raise TypeError(f"give a function of the picture, not a {type(given).__name__}.")
        self.step, self.waiting = step, waiting
        self._widget: Any = None
        self._last: Array | None = None

    @property
    def widget(self) -> Any:
        if self._widget is None:
            import ipywidgets

            self._line = ipywidgets.HTML(html.escape(self.waiting))
            self._output = ipywidgets.Output()
            self._widget = ipywidgets.VBox([self._line, self._output])
            if self._last is not None:
                self._fill()
        return self._widget

    def run(self, picture: Array) -> None:
        self._last = picture
        if self._widget is None:
            _ = self.widget  # shows it as soon as it is built
        else:
            self._fill()

    def clear(self) -> None:
        self._last = None
        if self._widget is not None:
            self._output.outputs = ()
            self._line.value = html.escape(self.waiting)

    def _fill(self) -> None:
        self._line.value = ""
        self._output.outputs = ()
        with self._output:
            self._show()

    def _show(self) -> None:
        made = self.step(self._last)  # type: ignore[arg-type]
        if made is not None and _in_notebook():
            from IPython.display import display

            display(made)  # type: ignore[no-untyped-call]

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = self.widget._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        data["text/plain"] = self.waiting or "[What is made of your photograph]"
        return bundle


def limits() -> str:
    """The limits in one sentence.

    >>> limits()
    'Up to ... MB and 50 megapixels; if nothing happens, the file is larger than that.'
    """
    megabytes = upload_limit() // 1_000_000
    return (
        f"Up to {megabytes} MB and {MAX_MEGAPIXELS} megapixels; if nothing happens, the file is "
        "larger than that."
    )


def _in_notebook() -> bool:
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return get_ipython() is not None


def _preview(picture: Array) -> bytes:
    image = Image.fromarray(picture)
    image.thumbnail((PREVIEW, PREVIEW))
    file = io.BytesIO()
    image.save(file, "jpeg", quality=85)
    return file.getvalue()


def upload(on: Step | None = None) -> Upload:
    """Offer a button for a photograph of one's own; lesson 12.

    On a phone it offers the camera. Rotation stored in the file is applied; a file that cannot be
    read gets one sentence. The photograph goes to the kernel and no further: it is not written to a
    disk and not saved with the notebook.

    Args:
        on: what to do with each photograph, a function of the picture ``(H, W, 3)`` uint8; what
            it shows and what it returns appear below the button.

    Returns:
        An `Upload`: as the last line of a cell it shows itself; ``.picture`` is the photograph or
        None, and ``.then(step)`` shows it with another function, in another cell.

    Raises:
        TypeError: ``on`` is not a function.

    Example:
        >>> mine = upload()
        >>> mine.picture is None
        True
    """
    return Upload(on)
