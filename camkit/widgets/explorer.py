"""The pattern of every explorer: a pure ``render(state) -> Frame``, and a thin shell around it.

The state is a small frozen dataclass that refuses bad values. ``render`` turns it into a picture
and a read-out and touches nothing else, so that a test, a static figure and a moved slider all
show the same. The shell knows ipywidgets, and nothing about maps.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from PIL import Image

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

State = TypeVar("State", bound="DataclassInstance")


@dataclass(frozen=True)
class Frame:
    """What one setting shows.

    Args:
        jpeg: the picture, an encoded file.
        text: the read-out, a line for each fact; a tab parts what is measured from its value.
    """

    jpeg: bytes
    text: str


@dataclass(frozen=True)
class Slider:
    """A number to move, by mouse or by arrow keys; whole numbers where ``step`` is one.

    Args:
        name: field of the state.
        description: what stands before it.
        tooltip: what it does, in a sentence.
        low: smallest value.
        high: largest value.
        step: from one value to the next.
    """

    name: str
    description: str
    tooltip: str
    low: float
    high: float
    step: float = 1

    def widget(self, value: Any) -> Any:
        """Build the ipywidget, set to ``value``."""
        import ipywidgets

        ends = {"value": value, "min": self.low, "max": self.high, "step": self.step}
        if isinstance(self.step, int):
            return ipywidgets.IntSlider(**ends, continuous_update=True)
        return ipywidgets.FloatSlider(**ends, continuous_update=True, readout_format="+.1f")

    def said(self, value: Any) -> str:
        """Name a value as the read-out of the slider does."""
        text = f"{value}" if isinstance(self.step, int) else f"{value:+.1f}"
        return f"{self.description} {text}".replace("-", "−")


@dataclass(frozen=True)
class Choice:
    """One of several options, on a slider that stops at each and names it.

    JupyterLab keeps the arrow keys from lists that drop down and from round buttons, and even
    takes a typed letter for a command; a slider gets its keys.


    Args:
        name: field of the state.
        description: what stands before it.
        tooltip: what it does, in a sentence.
        options: (label, value) pairs.
    """

    name: str
    description: str
    tooltip: str
    options: tuple[tuple[str, Any], ...]

    def widget(self, value: Any) -> Any:
        """Build the ipywidget, set to ``value``."""
        import ipywidgets

        return ipywidgets.SelectionSlider(
            options=list(self.options), value=value, continuous_update=True
        )

    def said(self, value: Any) -> str:
        """Name an option by its label."""
        return f"{self.description} {dict((v, label) for label, v in self.options)[value]}"


@dataclass(frozen=True)
class Tick:
    """Something that is on or off.

    Args:
        name: field of the state.
        description: what stands beside it.
        tooltip: what it does, in a sentence.
    """

    name: str
    description: str
    tooltip: str

    def widget(self, value: Any) -> Any:
        """Build the ipywidget, set to ``value``."""
        import ipywidgets

        return ipywidgets.Checkbox(value=value, indent=True)

    def said(self, value: Any) -> str:
        """Say whether it is on."""
        return f"{self.description} {'on' if value else 'off'}"


Control: TypeAlias = "Slider | Choice | Tick"


class Explorer(Generic[State]):
    """Controls, a picture and a read-out, for a notebook; a place in two directions is two sliders.

    As the last line of a cell it shows itself. Where there is no kernel, `figure` shows a few of
    its settings.

    Args:
        name: one word, for the page's ``camkit-explorer-<name>`` class.
        start: the state it opens with.
        controls: what can be moved, in the order of the Tab key; each names a field of ``start``.
        render: turns a state into a frame; it must be pure, and should take under 12 ms.
        alt: what the picture shows, for who cannot see it.

    Raises:
        TypeError: a control names no field of the state.

    Example:
        >>> from camkit.widgets.canvas import Sheet
        >>> @dataclass(frozen=True)
        ... class Thick:
        ...     points: int = 2
        >>> def render(state):
        ...     sheet = Sheet(40)
        ...     sheet.bar(0, 10, 100, state.points)
        ...     return Frame(sheet.jpeg(), f"Thickness\\t{state.points}")
        >>> control = Slider("points", "points", "How thick the line is.", 1, 20)
        >>> explorer = Explorer("line", Thick(), [control], render, "A black line.")
        >>> explorer.frame(points=3).text
        'Thickness\\t3'
    """

    def __init__(
        self,
        name: str,
        start: State,
        controls: Sequence[Control],
        render: Callable[[State], Frame],
        alt: str,
    ) -> None:
        known = {field.name for field in fields(start)}
        for control in controls:
            if control.name not in known:
                raise TypeError(
                    f"The control {control.name!r} names no field of {type(start).__name__}; "
                    f"its fields are {', '.join(sorted(known))}."
                )
        self.name, self.start, self.controls = name, start, tuple(controls)
        self.render, self.alt = render, alt

    def frame(self, **settings: Any) -> Frame:
        """Render one setting without a widget.

        Args:
            settings: fields of the state that differ from the start.

        Returns:
            The frame.

        Raises:
            TypeError, ValueError: there is no such field, or the state refuses its value.
        """
        return self.render(self._state(settings))

    def _state(self, settings: Mapping[str, Any]) -> State:
        known = [field.name for field in fields(self.start)]
        for name in settings:
            if name not in known:
                raise TypeError(f"There is no setting {name!r}, only {', '.join(known)}.")
        return replace(self.start, **settings)

    # --- the shell ------------------------------------------------------------------------------

    @cached_property
    def widget(self) -> Any:
        """The controls, the picture and the read-out, as one ipywidget."""
        from camkit.widgets.shell import Shell

        return Shell(self).box

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """Show the widget; where widgets are not understood, what it says at its start."""
        bundle = self.widget._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        data["text/plain"] = f"[Explorer: {self.alt}]\n" + _plain(self.frame().text)
        return bundle

    # --- without a kernel -----------------------------------------------------------------------

    def figure(self, settings: Sequence[Mapping[str, Any]], alt: str, caption: str) -> None:
        """Show a few settings side by side, made by the same ``render``, for a page without kernel.

        Each picture stands above its own read-out, so that the page says what the explorer says.

        Args:
            settings: for each picture, what differs from the start; ``{}`` is the start itself.
            alt: what is to be seen in all of them, for who cannot see it.
            caption: what they say together, one or two sentences.

        Raises:
            TypeError: there is no such setting, or a text is not a string.
            ValueError: there are fewer than two or more than six settings, the state refuses one,
                or a text is empty.
        """
        from camkit.plot import _emit

        if not 2 <= len(settings) <= 6:
            raise ValueError(f"settings must hold 2 to 6 of them, got {len(settings)}.")
        text: object
        for name, text in (("alt", alt), ("caption", caption)):
            if not isinstance(text, str):
                raise TypeError(f"{name} must be a string, not {type(text).__name__}.")
            if not text.strip():
                raise ValueError(f"{name} is empty; say in a sentence what the figure shows.")
        shown = [(self._title(one), self.frame(**one)) for one in settings]
        plain = "\n".join(f"{title}\n{_plain(frame.text)}" for title, frame in shown)
        _emit(
            {
                "text/html": _figure_html(shown, alt.strip(), caption.strip()),
                "text/plain": f"[Figure: {alt.strip()}]\n{plain}\n{caption.strip()}",
            }
        )

    def _title(self, settings: Mapping[str, Any]) -> str:
        said = [c.said(settings[c.name]) for c in self.controls if c.name in settings]
        title = ", ".join(said) or "as it starts"
        return title[0].upper() + title[1:]


def rows(text: str) -> str:
    """The read-out as lines of HTML: what is measured, then its value, in a column of its own."""
    lines = []
    for line in text.splitlines():
        name, tab, value = line.partition("\t")
        lines.append(
            '<div style="display:flex;gap:1em"><span style="flex:0 1 17em">'
            f'{html.escape(name)}</span> <b style="flex:1 1 0">{html.escape(value)}</b></div>'
            if tab
            else f"<div>{html.escape(name)}</div>"
        )
    return "".join(lines)


def status(text: str) -> str:
    """The read-out as a region that a screen reader speaks when it changes."""
    return (
        '<div role="status" aria-live="polite" style="line-height:1.5;'
        f'font-variant-numeric:tabular-nums">{rows(text)}</div>'
    )


def _plain(text: str) -> str:
    return text.replace("\t", ": ")


def _figure_html(shown: Sequence[tuple[str, Frame]], alt: str, caption: str) -> str:
    parts = []
    for i, (title, frame) in enumerate(shown):
        # The first picture carries the whole description, the others what sets them apart.
        words = f"{alt} {title}." if i == 0 else f"The same, {title[0].lower()}{title[1:]}."
        parts.append(
            f'<div><div style="margin-bottom:0.3em"><b>{html.escape(title)}</b></div>'
            f'<img alt="{html.escape(words)}" style="width:100%;height:auto" '
            f'src="data:image/jpeg;base64,{base64.b64encode(_smaller(frame.jpeg)).decode()}">'
            '<div style="font-size:0.85em;line-height:1.45;margin-top:0.2em;'
            f'font-variant-numeric:tabular-nums">{rows(frame.text)}</div></div>'
        )
    grid = (
        "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24em),1fr));gap:1.6em"
    )
    return (
        f'<figure style="margin:0.5em 0;max-width:60em"><div style="{grid}">{"".join(parts)}</div>'
        f'<figcaption style="max-width:46em;margin-top:0.8em">{html.escape(caption)}'
        "</figcaption></figure>"
    )


def _smaller(jpeg: bytes) -> bytes:
    """The picture at two thirds of its pixels: a saved notebook stays small."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(jpeg)) as image:
        size = (image.width * 2 // 3, image.height * 2 // 3)
        image.resize(size, Image.Resampling.LANCZOS).save(file, "jpeg", quality=75, optimize=True)
    return file.getvalue()
