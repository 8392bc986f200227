"""Sets of pictures: `(seed, split, index) -> Sample`, drawn when asked for.

Sample i depends on nothing but the seed, the split, i and the set's own dials: not on the size, the
length, or what was drawn before. Classes take turns (sample i of `Objects` is of class i modulo the
number of classes), so every run of consecutive samples is balanced: shuffle before training.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from camkit.images import Sample
from camkit.world.backgrounds import BACKGROUNDS
from camkit.world.compose import (
    BACKDROP,
    OTHER,
    Streams,
    check_framing,
    compose,
    draw_backdrop,
    home_of,
)
from camkit.world.scene import Scene, check_seed, check_size
from camkit.world.sprites import check_name, kinds

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Batch:
    """Many pictures at once.

    `images` (N, H, W, 3) uint8 and `labels` (N,) int64; `boxes`, N arrays of (n_i, 4); `masks`
    (N, H, W) bool.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    boxes: list[NDArray[np.float64]]
    masks: NDArray[np.bool_]


@dataclass(frozen=True)
class Pictures(Sequence[Sample]):
    """What all sets share; the sets below say which scene stands at an index."""

    split: str = "train"
    seed: int = 0
    size: int = 128
    length: int = 6000

    _NUMBER: ClassVar[int] = 0  # keeps the random streams of the sets apart

    def __post_init__(self) -> None:
        check_name(self.split, SPLITS, "split")
        check_seed(self.seed)
        check_size(self.size)
        if isinstance(self.length, bool) or not isinstance(self.length, (int, np.integer)):
            raise TypeError(f"length must be a whole number; it is a {type(self.length).__name__}.")
        if not 1 <= self.length < 2**31:
            raise ValueError(f"length must be at least 1; it is {self.length}.")

    @property
    def names(self) -> tuple[str, ...]:
        """What the labels mean: the classes' names, in the order of the labels."""
        return kinds("object")

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Sample:  # type: ignore[override]
        return self.scene(index).sample(self.size)

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(self.length))

    def scene(self, index: int) -> Scene:
        """The scene at `index`, to be changed or drawn at any size."""
        return self._compose(
            self._check(index), self._streams(int(index)), f"{self.split}-{self.seed}-{index}"
        )

    def _compose(self, index: int, streams: Streams, name: str) -> Scene:
        raise NotImplementedError

    def _streams(self, index: int) -> Streams:
        return Streams((self.seed, SPLITS.index(self.split), self._NUMBER, index))

    def _check(self, index: object) -> int:
        if isinstance(index, bool) or not isinstance(index, (int, np.integer)):
            raise TypeError(
                f"an index must be a whole number; it is a {type(index).__name__}. For many at "
                f"once, call .batch(indices)."
            )
        if not 0 <= index < self.length:
            raise IndexError(f"index must lie between 0 and {self.length - 1}; it is {index}.")
        return int(index)

    def arrays(
        self, indices: Sequence[int] | None = None, workers: int = 0, progress: bool = True
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Draw many pictures: images (N, H, W, 3) uint8 and labels (N,) int64. See `batch`."""
        batch = self.batch(indices, workers, progress, truth=False)
        return batch.images, batch.labels

    def batch(
        self,
        indices: Sequence[int] | None = None,
        workers: int = 0,
        progress: bool = True,
        truth: bool = True,
    ) -> Batch:
        """Draw many pictures, with their boxes and masks.

        Args:
            indices: which; None for all.
            workers: processes to share the work; 0 draws here. In a script of your own, keep the
                call under `if __name__ == "__main__":`, as for every use of processes.
            progress: show a bar.
            truth: False leaves boxes and masks empty, which is a little faster.

        Returns:
            A `Batch`.

        >>> from camkit import world
        >>> batch = world.Objects(size=32, length=8).batch([0, 5], progress=False)
        >>> batch.images.shape, batch.masks.shape, batch.labels.tolist()
        ((2, 32, 32, 3), (2, 32, 32), [0, 5])
        """
        from tqdm.auto import tqdm

        wanted = [self._check(i) for i in (range(self.length) if indices is None else indices)]
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 0:
            raise ValueError(f"workers must be 0 or a number of processes; it is {workers!r}.")
        n, size = len(wanted), self.size
        images = np.empty((n, size, size, 3), np.uint8)
        labels = np.empty(n, np.int64)
        masks = np.zeros((n if truth else 0, size, size), bool)
        boxes: list[NDArray[np.float64]] = []
        chunks = [wanted[i : i + 32] for i in range(0, n, 32)]
        done = 0
        with tqdm(total=n, disable=not progress, unit="picture", desc="drawing") as bar:
            for part in _drawn(self, chunks, workers, truth):
                here = slice(done, done + len(part.labels))
                images[here], labels[here] = part.images, part.labels
                if truth:
                    masks[here] = part.masks
                    boxes += part.boxes
                done = here.stop
                bar.update(len(part.labels))
        return Batch(images, labels, boxes, masks)


def _draw(pictures: Pictures, indices: list[int], truth: bool) -> Batch:
    """One chunk; runs in a worker."""
    size = pictures.size
    images = np.empty((len(indices), size, size, 3), np.uint8)
    labels = np.empty(len(indices), np.int64)
    masks = np.zeros((len(indices) if truth else 0, size, size), bool)
    boxes = []
    for k, i in enumerate(indices):
        scene = pictures.scene(i)
        labels[k] = scene.label
        if truth:
            sample = scene.sample(size)
            images[k], masks[k] = sample.image, sample.mask
            boxes.append(sample.boxes)
        else:
            images[k] = scene.draw(size).image
    return Batch(images, labels, boxes, masks)


_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def _drawn(
    pictures: Pictures, chunks: list[list[int]], workers: int, truth: bool
) -> Iterator[Batch]:
    """The chunks in order, drawn here or by `workers` fresh processes of one thread each."""
    if workers == 0 or len(chunks) < 2:
        yield from (_draw(pictures, chunk, truth) for chunk in chunks)
        return
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        with ProcessPoolExecutor(min(workers, len(chunks)), get_context("spawn")) as pool:
            jobs = [pool.submit(_draw, pictures, chunk, truth) for chunk in chunks]
            try:
                for job in jobs:
                    yield job.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@dataclass(frozen=True)
class Objects(Pictures):
    """One object in focus, among distractors, on a background that tells nothing about it.

    Args:
        split: "train", "val" or "test": three streams without a common scene.
        seed: another seed, another set.
        size: side of the pictures in pixels.
        length: number of samples; a longer set begins with the same ones.
        framing: share of the picture the object's box is to take (0.02 to 0.8, as far as it
            fits); None: the natural distribution (5, 50, 95 % about .12, .29, .50).
        hard: small, half hidden, turned objects in unusual colours, with more around them.

    >>> from camkit import world
    >>> ds = world.Objects(split="test", size=64, length=10)
    >>> len(ds), ds[0].image.shape, world.CLASSES[ds[0].label] == world.CLASSES[0]
    (10, (64, 64, 3), True)
    """

    framing: float | None = None
    hard: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_framing(self.framing)

    def _compose(self, index: int, streams: Streams, name: str) -> Scene:
        classes = kinds("object")
        label = classes[index % len(classes)]
        return compose([label], streams, framing=self.framing, hard=self.hard, name=name)


@dataclass(frozen=True)
class TwoObjects(Pictures):
    """Two objects of two classes side by side; `label` is the first one's, taking turns.

    `scene(i).objects` gives both, `scene(i).things[j].kind` their classes.

    >>> from camkit import world
    >>> scene = world.TwoObjects(split="test", size=64).scene(0)
    >>> len({scene.things[i].kind for i in scene.objects})
    2
    """

    classes: Sequence[str] | None = None

    _NUMBER: ClassVar[int] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.classes is not None:
            if isinstance(self.classes, str) or len(set(self.classes)) < 2:
                raise ValueError(
                    f"classes must hold at least two different classes; it is {self.classes!r}."
                )
            for name in self.classes:
                check_name(name, kinds("object"), "class")
            object.__setattr__(self, "classes", tuple(self.classes))

    def _compose(self, index: int, streams: Streams, name: str) -> Scene:
        classes = self.classes or kinds("object")
        first = index % len(classes)
        step = 1 + int(streams(OTHER).integers(len(classes) - 1))
        pair = [classes[first], classes[(first + step) % len(classes)]]
        return compose(pair, streams, clutter=0.7, name=name)


@dataclass(frozen=True)
class TwoOfAKind(Pictures):
    """Two objects of one class side by side: a sample has two boxes, and its mask holds both.

    >>> from camkit import world
    >>> world.TwoOfAKind(size=64)[0].boxes.shape
    (2, 4)
    """

    _NUMBER: ClassVar[int] = 2

    def _compose(self, index: int, streams: Streams, name: str) -> Scene:
        classes = kinds("object")
        return compose([classes[index % len(classes)]] * 2, streams, clutter=0.7, name=name)


@dataclass(frozen=True)
class BiasedObjects(Pictures):
    """`Objects`, but a class stands on its home background with probability `bias`.

    Args:
        bias: 0 (any background) to 1 (always at home).
        home: False turns it round: the class is *never* at home, whatever `bias`.

    The scenes of two biases differ in nothing but the background.

    >>> from camkit import world
    >>> ds = world.BiasedObjects(bias=1.0, size=64)
    >>> [ds.scene(i).background.kind == world.HOMES[world.CLASSES[i]] for i in range(2)]
    [True, True]
    """

    bias: float = 0.9
    home: bool = True

    _NUMBER: ClassVar[int] = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.bias, bool) or not isinstance(self.bias, (int, float, np.number)):
            raise TypeError(f"bias must be a number; it is a {type(self.bias).__name__}.")
        if not 0.0 <= self.bias <= 1.0:
            raise ValueError(f"bias must lie between 0 and 1; it is {self.bias}.")

    def _compose(self, index: int, streams: Streams, name: str) -> Scene:
        classes = kinds("object")
        label = classes[index % len(classes)]
        home, rng = home_of(label), streams(BACKDROP)
        if not self.home:
            away = [b for b in BACKGROUNDS if b != home]
            backdrop = draw_backdrop(rng, away[int(streams(OTHER).integers(len(away)))])
        else:
            backdrop = draw_backdrop(rng, home if streams(OTHER).random() < self.bias else None)
        return compose([label], streams, backdrop=backdrop, name=name)
