"""Draw the README's pictures: one picture explained, and the world's poster.

Run it again when the world or the shipped network has changed: ``python docs/make_pictures.py``.
"""

from __future__ import annotations

from pathlib import Path

import camkit
from camkit import plot, world
from camkit.metrics import iou
from camkit.world import sheets

IMAGES = Path(__file__).parent / "images"


def main() -> None:
    sheets.poster(256).save(IMAGES / "world.jpg", quality=86, optimize=True, progressive=True)
    net = camkit.load("objects")
    pictures = world.TwoObjects(split="test", length=100)  # none of them was trained on
    scene = max((pictures.scene(i) for i in range(100)), key=lambda one: worse_box(net, one))
    there = [scene.things[i].kind for i in scene.objects]
    absent = next(name for name in net.names if name not in there)
    picture = scene.draw(512).image
    result = net.explain(picture, classes=[*there, absent])
    fig, _ = plot.explain_figure(result, picture, titles=["the picture"], columns=4)
    fig.savefig(IMAGES / "cam.jpg", dpi=130, pil_kwargs={"quality": 88, "optimize": True})


def worse_box(net: camkit.CamModel, scene: world.Scene) -> float:
    """The README shows a good case: of 100 pictures, the one whose worse box fits best."""
    drawn = scene.draw(128)
    result = net.explain(drawn.image, classes=[scene.things[i].kind for i in scene.objects])
    fits = iou(result.boxes()[0], drawn.boxes[list(scene.objects)]).diagonal()
    return float(fits.min())


if __name__ == "__main__":
    main()
