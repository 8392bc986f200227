"""The command, called as a person calls it: real files in, real files out, one sentence if not."""

from __future__ import annotations

import builtins
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from camkit import cli, doctor, plot, zoo
from camkit.boxes import box_from_map
from camkit.cam import upsample
from camkit.heads import CamResult

SIZE = (48, 36)


def picture(file: Path, size: tuple[int, int] = SIZE) -> Path:
    rng = np.random.default_rng(len(file.name))
    pixels = rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)
    return file


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that name a small network with random weights and four named classes."""
    import torchvision

    folder = tmp_path_factory.mktemp("network")
    torch.manual_seed(0)
    model = torchvision.models.squeezenet1_1(num_classes=4)
    torch.save(model.state_dict(), folder / "weights.pth")
    (folder / "names.txt").write_text("cat\ndog\nfox\nowl\n", encoding="utf-8")
    return [
        "--model", "squeezenet1_1", "--weights", str(folder / "weights.pth"),
        "--names", str(folder / "names.txt"),
    ]  # fmt: skip


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def one_sentence(text: str) -> str:
    assert "Traceback" not in text
    assert text.strip().count("\n") == 0, text
    return text.strip()


# --- camkit cam ---------------------------------------------------------------------------------


def test_cam_writes_a_picture_raw_maps_and_boxes(
    at: Path, network: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    picture(at / "shot.png")
    assert cli.main(["cam", "shot.png", *network, "--top", "2", "--out", "out"]) == 0
    assert sorted(f.name for f in (at / "out").iterdir()) == ["shot.jpg", "shot.json", "shot.npz"]
    out = capsys.readouterr().out
    assert "shot.png: " in out
    assert "1 of 1 photographs explained, in out." in out

    told = json.loads((at / "out/shot.json").read_text(encoding="utf-8"))
    with np.load(at / "out/shot.npz") as raw:  # no pickle is needed
        maps, scores, names = raw["maps"], raw["scores"], raw["names"].tolist()
        boxes, classes = raw["boxes"], raw["classes"]
        chances = raw["probabilities"]
    assert [one["name"] for one in told["classes"]] == names
    assert (told["width"], told["height"], told["photo"]) == (*SIZE, "shot.png")
    assert maps.shape == (2, 13, 13)
    assert chances.sum() == pytest.approx(1)
    # The files agree with each other, and with the rule of the box.
    net = zoo.load("squeezenet1_1", network[3], names=network[5])
    mine = net.explain(at / "shot.png", top=2)
    np.testing.assert_allclose(maps, mine.maps[0], rtol=1e-5, atol=1e-7)
    for j, one in enumerate(told["classes"]):
        assert one["score"] == pytest.approx(scores[classes[j]])
        large = upsample(torch.from_numpy(maps[None]), (224, 224))[0, j]
        box = box_from_map(large)
        if one["box"] is None:
            assert box is None
            assert one["why_no_box"]
        else:
            assert box is not None
            scale = np.array([48, 36, 48, 36]) / 224
            np.testing.assert_allclose(one["box"], np.array(box) * scale, atol=0.01)
            np.testing.assert_allclose(boxes[j], np.array(box) * scale)
    with Image.open(at / "out/shot.jpg") as drawn:
        assert drawn.width > 600


def bad_files(folder: Path) -> dict[str, str]:
    """Files that are no pictures, and a word of the reason that must be given."""
    picture(folder / "whole.png")
    whole = (folder / "whole.png").read_bytes()
    (folder / "whole.png").unlink()
    (folder / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.jpg").write_text("this is a letter", encoding="utf-8")
    Image.new("1", (8000, 8000)).save(folder / "huge.png")  # 64 megapixels in a few kilobytes
    return {
        "missing.png": "no file", "truncated.png": "damaged", "empty.png": "empty",
        "text.jpg": "not a picture", "huge.png": "too large",
    }  # fmt: skip


def odd_files(folder: Path) -> list[str]:
    """Pictures that are unusual, and must work."""
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 255, (40, 60, 3), dtype=np.uint8)
    full = Image.fromarray(colours)
    full.resize((1, 1)).save(folder / "tiny.png")
    full.convert("L").save(folder / "grey.jpg")
    full.convert("RGBA").save(folder / "alpha.png")
    Image.fromarray(colours[:, :, 0].astype(np.uint16) * 257).save(folder / "deep.png")
    full.convert("CMYK").save(folder / "cmyk.jpg")
    full.save(folder / "moving.gif", save_all=True, append_images=[full.rotate(180)])
    turned = Image.Exif()
    turned[0x0112] = 6
    full.save(folder / "turned.jpg", exif=turned)
    full.resize((900, 9)).save(folder / "flat.png")
    return sorted(file.name for file in folder.iterdir())


def test_cam_goes_on_past_bad_files_and_names_each(
    at: Path, network: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = at / "good", at / "bad"
    good.mkdir()
    bad.mkdir()
    odd, reasons = odd_files(good), bad_files(bad)
    named = [str(bad / name) for name in reasons]
    code = cli.main(["cam", *named, "good", *network, "--top", "2", "--out", "out"])
    said = capsys.readouterr()
    assert code == 1
    lines = said.err.strip().splitlines()
    assert len(lines) == len(reasons)
    for line, (name, word) in zip(lines, reasons.items(), strict=True):
        assert name in line
        assert word in line
    assert f"{len(odd)} of {len(odd) + len(reasons)} photographs" in said.out
    made = {file.name for file in (at / "out").iterdir()}
    assert made == {f"{Path(n).stem}{end}" for n in odd for end in (".jpg", ".json", ".npz")}
    turned = json.loads((at / "out/turned.json").read_text())
    assert (turned["width"], turned["height"]) == (40, 60)  # upright


def test_photographs_of_one_name_do_not_overwrite_each_other(at: Path, network: list[str]) -> None:
    picture(at / "a/shot.png", (40, 30))
    picture(at / "b/shot.png", (30, 40))
    argv = ["cam", "a", "b/shot.png", "a/shot.png", *network, "--top", "1", "--out", "out"]
    assert cli.main(argv) == 0
    told = {f.name: json.loads(f.read_text()) for f in (at / "out").glob("*.json")}
    assert set(told) == {"shot.json", "shot-2.json"}  # a/shot.png was named twice, explained once
    assert (told["shot.json"]["width"], told["shot-2.json"]["width"]) == (40, 30)


@pytest.mark.parametrize(
    ("stems", "names"),
    [
        (["x", "X", "y"], ["x", "X-2", "y"]),
        (["x", "x", "x-2"], ["x", "x-3", "x-2"]),
        (["x-2", "x", "x"], ["x-2", "x", "x-3"]),
    ],
)
def test_result_names_are_all_different(stems: list[str], names: list[str]) -> None:
    photos = [Path(str(i), f"{stem}.jpg") for i, stem in enumerate(stems)]
    assert cli._result_names(photos) == names


def test_cam_reads_only_the_pictures_of_a_folder(
    at: Path, network: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    picture(at / "in/b.png")
    picture(at / "in/A.PNG")
    (at / "in/notes.txt").write_text("no picture")
    (at / "in/._b.png").write_bytes(b"left by another system")
    (at / "none").mkdir()
    assert cli.main(["cam", "in", "none", *network, "--top", "1"]) == 1
    assert capsys.readouterr().err == "none: the folder holds no pictures.\n"
    assert {f.stem for f in (at / "cam").iterdir()} == {"A", "b"}


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--top", "0"], "from 1 to 4"),
        (["--top", "5"], "from 1 to 4"),
        (["--threshold", "20"], "from 0 up to 1"),
        (["--threshold", "nan"], "from 0 up to 1"),
        (["--out", "."], "folder of the photographs"),
        (["--out", "shot.png"], "cannot be made"),
        (["--weights", "none.pth"], "no weights file"),
        (["--names", "none.txt"], "none.txt"),
        (["--model", "squeezenet1_2"], "near ones"),
        (["--model", "vgg11"], "vgg11"),
        (["--fit", "stretch"], "squash"),
        (["--top", "many"], "invalid int"),
    ],
)
def test_a_wrong_option_ends_in_one_sentence(
    at: Path, network: list[str], capsys: pytest.CaptureFixture[str], options: list[str], word: str
) -> None:
    picture(at / "shot.png")
    assert cli.main(["cam", "shot.png", *network, *options]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert word in said.err.strip().splitlines()[-1]


def test_a_network_without_a_map_is_named_with_the_way_out(
    at: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import torchvision

    picture(at / "shot.png")
    torch.save(torchvision.models.mobilenet_v3_small(num_classes=3).state_dict(), "weights.pth")
    argv = ["cam", "shot.png", "--model", "mobilenet_v3_small", "--weights", "weights.pth"]
    assert cli.main(argv) == 2
    assert "no exact map" in one_sentence(capsys.readouterr().err)


def test_an_interrupt_leaves_nothing_half_written(
    at: Path, network: list[str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    picture(at / "shot.png")
    monkeypatch.setattr(np, "savez_compressed", interrupt)
    assert cli.main(["cam", "shot.png", *network, "--top", "1", "--out", "out"]) == 130
    assert one_sentence(capsys.readouterr().err) == "camkit cam: interrupted."
    # The picture was whole; no temporary file, and no JSON, which says that all three are there.
    assert [f.name for f in (at / "out").iterdir()] == ["shot.jpg"]


def test_a_full_disk_ends_in_one_sentence(
    at: Path, network: list[str], monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    picture(at / "shot.png")
    monkeypatch.setattr(np, "savez_compressed", full)
    assert cli.main(["cam", "shot.png", *network, "--top", "1", "--out", "out"]) == 1
    said = one_sentence(capsys.readouterr().err)
    assert "No space left" in said
    assert not list((at / "out").glob(".camkit-*"))


def test_results_can_be_read_by_others_as_the_umask_says(at: Path, network: list[str]) -> None:
    if os.name == "nt":
        pytest.skip("Windows has no umask")
    picture(at / "shot.png")
    before = os.umask(0o022)
    try:
        assert cli.main(["cam", "shot.png", *network, "--top", "1", "--out", "out"]) == 0
    finally:
        os.umask(before)
    assert (at / "out/shot.json").stat().st_mode & 0o777 == 0o644


def test_the_shipped_network_is_the_default(at: Path) -> None:
    if "objects" not in zoo.shipped():
        pytest.skip("the shipped network has not been made yet")
    picture(at / "shot.png")
    assert cli.main(["cam", "shot.png", "--out", "out"]) == 0
    assert json.loads((at / "out/shot.json").read_text())["model"] == "objects"


def test_twelve_real_photographs(realdata: Path, tmp_path: Path) -> None:
    photos = sorted((realdata / "imagenet-samples/images").iterdir())[:12]
    weights = realdata / "weights/squeezenet1_1.pth"
    net = zoo.load("squeezenet1_1", weights)
    argv = ["cam", *map(str, photos), "--model", "squeezenet1_1", "--weights", str(weights)]
    assert cli.main([*argv, "--out", str(tmp_path)]) == 0
    right = 0
    for photo in photos:
        told = json.loads((tmp_path / f"{photo.stem}.json").read_text(encoding="utf-8"))
        assert len(told["classes"]) == 5
        truth = photo.stem.split("_", 1)[1].replace("_", " ")
        right += any(one["name"] == truth for one in told["classes"])
        assert_boxes_are_drawn(tmp_path / f"{photo.stem}.jpg", net.explain(photo), photo)
    # SqueezeNet finds 90 % of such photographs among its first five; 12 of 12 would be luck.
    assert right >= 7


def assert_boxes_are_drawn(file: Path, result: CamResult, photo: Path) -> None:
    """Where each box must be, the picture has a white line, and beside it a dark edge."""
    fig, axes = plot.explain_figure(result, photo)
    with Image.open(file) as image:
        grey = np.asarray(image.convert("L")).astype(int)
    scale = grey.shape[1] / fig.bbox.width
    assert sum(len(ax.patches) for ax in axes[0]) == 5
    for ax in axes[0, 1:]:
        ends = ax.transData.transform(ax.patches[0].get_bbox().get_points()) * scale
        (x0, y0), (x1, y1) = np.rint(ends).astype(int)
        rows, columns = sorted((grey.shape[0] - y0, grey.shape[0] - y1)), sorted((x0, x1))
        for side in (
            grey[rows[0] : rows[1], columns[0] - 5 : columns[0] + 6],
            grey[rows[0] : rows[1], columns[1] - 5 : columns[1] + 6],
            grey[rows[0] - 5 : rows[0] + 6, columns[0] : columns[1]].T,
            grey[rows[1] - 5 : rows[1] + 6, columns[0] : columns[1]].T,
        ):
            profile = side.mean(axis=0)  # across the line
            assert profile[3:8].max() > 215
            assert profile.min() < 110


# --- camkit lab ---------------------------------------------------------------------------------


def course(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        cells: dict[str, Any] = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (folder / name).write_text(json.dumps(cells), encoding="utf-8")
    return folder


def test_the_course_is_found_from_a_folder_below_it(tmp_path: Path) -> None:
    notebooks = course(tmp_path / "notebooks", "02_maps.ipynb", "index.ipynb", "00_start.ipynb")
    below = tmp_path / "a/b"
    below.mkdir(parents=True)
    assert cli.find_notebook(None, below) == (notebooks, "index.ipynb")
    assert cli.find_notebook("02", below) == (notebooks, "02_maps.ipynb")
    assert cli.find_notebook("02_maps.ipynb", notebooks) == (notebooks, "02_maps.ipynb")
    (notebooks / "index.ipynb").unlink()
    assert cli.find_notebook(None, notebooks) == (notebooks, "00_start.ipynb")
    with pytest.raises(cli.Stop, match="only 00_start"):
        cli.find_notebook("07", below)


def test_without_notebooks_the_reader_learns_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "__file__", str(tmp_path / "site-packages/camkit/cli.py"))
    with pytest.raises(cli.Stop, match="come with the repository"):
        cli.find_notebook(None, tmp_path)


def test_root_is_allowed_only_where_it_is_root() -> None:
    assert "--ServerApp.allow_root=True" not in cli.lab_command(Path("n"), "index.ipynb")
    words = cli.lab_command(Path("n"), "index.ipynb", browser=False, port=9, is_root=True)
    assert {"--ServerApp.allow_root=True", "--no-browser", "--ServerApp.port=9"} <= set(words)
    assert not any("token" in word or "password" in word for word in words)


def test_lab_serves_the_course_on_loopback_behind_a_token(tmp_path: Path) -> None:
    pytest.importorskip("jupyterlab")
    course(tmp_path / "notebooks", "index.ipynb")
    folders = {
        f"JUPYTER_{kind}_DIR": str(tmp_path / kind) for kind in ("RUNTIME", "CONFIG", "DATA")
    }
    clean = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER_")}
    server = subprocess.Popen(
        [sys.executable, "-c", "import sys; from camkit.cli import main; sys.exit(main())",
         "lab", "--no-browser"],
        cwd=tmp_path, env={**clean, **folders, "PYTHONPATH": str(Path(cli.__file__).parents[1])},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        told = wait_for_server(tmp_path / "RUNTIME", server)
        assert told["hostname"] == "127.0.0.1"
        assert len(told["token"]) >= 32
        assert Path(told["root_dir"]) == tmp_path / "notebooks"
        address, header = told["url"], {"Authorization": f"token {told['token']}"}
        assert status(f"{address}api/status", header) == 200
        assert status(f"{address}api/status", {}) == 403
        assert status(f"{address}api/status", {"Authorization": "token "}) == 403
        assert status(f"{address}api/contents/index.ipynb?content=0", header) == 200
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.communicate()


def wait_for_server(folder: Path, server: subprocess.Popen[str]) -> dict[str, Any]:
    end = time.monotonic() + 90
    while time.monotonic() < end:
        assert server.poll() is None, server.stderr and server.stderr.read()
        for file in folder.glob("jpserver-*.json"):
            told: dict[str, Any] = json.loads(file.read_text() or "{}")
            if told and status(f"{told['url']}api", {}) == 200:
                return told
        time.sleep(0.2)
    raise AssertionError("JupyterLab did not start within 90 seconds")


def status(address: str, headers: dict[str, str]) -> int:
    try:
        request = urllib.request.Request(address, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (urllib.error.URLError, OSError, json.JSONDecodeError):
        return 0


# --- camkit fetch -------------------------------------------------------------------------------


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Torch hub's cache in an empty folder, and a log of what was really downloaded."""
    log: list[str] = []

    def download(url: str, file: str, **_: Any) -> None:
        log.append(url)
        Path(file).write_bytes(b"weights")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    return log


@pytest.mark.parametrize("answer", ["n", "", "no way", None])
def test_fetch_tells_size_and_source_and_takes_no_for_an_answer(
    fetched: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    answer: str | None,
) -> None:  # fmt: skip
    def ask(_: str) -> str:
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr(builtins, "input", ask)
    assert cli.main(["fetch", "squeezenet1_1"]) == 1
    said = capsys.readouterr().out
    assert "5 MB from https://" in said
    assert "Nothing was fetched." in said
    assert fetched == []


def test_fetch_asks_before_it_fetches(
    fetched: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(_: str) -> str:
        assert "MB from" in capsys.readouterr().out
        assert fetched == []
        return " Yes "

    monkeypatch.setattr(builtins, "input", ask)
    assert cli.main(["fetch", "squeezenet1_1"]) == 0
    assert len(fetched) == 1


def test_fetch_with_yes_does_not_ask(fetched: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtins, "input", lambda _: pytest.fail("asked in spite of --yes"))
    assert cli.main(["fetch", "squeezenet1_1", "--yes"]) == 0
    assert len(fetched) == 1


def test_fetch_of_an_unknown_network_is_a_wrong_question(
    fetched: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["fetch", "squeezenet9", "--yes"]) == 2
    assert "near ones" in one_sentence(capsys.readouterr().err)


def test_fetch_without_a_network_connection_ends_in_one_sentence(
    fetched: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    assert cli.main(["fetch", "squeezenet1_1", "--yes"]) == 1
    assert "could not be fetched" in one_sentence(capsys.readouterr().err)


# --- camkit doctor ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("torch_version", "vision_version", "verdict"),
    [
        ("2.14.1+cu130", "0.29.1+cu130", "ok"),
        ("2.2.0", "0.17.0", "ok"),
        ("2.2.0+cpu", "0.17.2", "ok"),
        ("2.6.0a0+git1234567", "0.21.0", "ok"),  # a build from source names no device
        ("2.14.1+cpu", "0.29.1+cu130", "broken"),
        ("2.14.1+cu130", "0.29.1+cpu", "broken"),
        ("2.14.1+cu126", "0.29.1+cu130", "broken"),
        ("2.14.1+rocm6.4", "0.29.1+cu130", "broken"),
        ("2.14.1", "0.28.0", "broken"),
        ("2.2.0", "0.29.0", "broken"),
        ("2.0.0", "0.15.0", "ok"),
    ],
)
def test_doctor_knows_which_torchvision_fits(
    torch_version: str, vision_version: str, verdict: str
) -> None:
    line = doctor.judge_pair(torch_version, vision_version)
    assert line.verdict == verdict
    assert bool(line.do) == (verdict == "broken")


@pytest.mark.parametrize(
    ("package", "error", "verdict", "word"),
    [
        ("torchvision", RuntimeError("operator torchvision::nms does not exist"), "broken", "CPU"),
        ("torchvision", ImportError("_C.so: undefined symbol: _ZN3c10"), "broken", "CPU"),
        ("torch", ImportError("numpy.core.multiarray failed to import"), "broken", "numpy"),
        ("scipy", ValueError("numpy.dtype size changed, may indicate"), "broken", "numpy"),
        (
            "torch",
            ImportError("A module that was compiled using NumPy 1.x cannot be run in NumPy 2.0"),
            "broken",
            "numpy",
        ),
        ("numba", ImportError("Numba needs NumPy 2.3 or less. Got 2.4."), "broken", "numba"),
        (
            "torch",
            OSError("libcudart.so.12: cannot open shared object file: No such file"),
            "broken",
            "one place",
        ),
        ("torch", OSError("[WinError 126] DLL load failed"), "broken", "Visual C++"),
        ("sklearn", ModuleNotFoundError("No module named 'joblib'", name="joblib"), "missing", ""),
        ("scipy", RuntimeError("something nobody has seen before"), "broken", "force-reinstall"),
    ],
)
def test_doctor_recognises_a_failed_import(
    package: str, error: Exception, verdict: str, word: str
) -> None:
    line = doctor.judge_import_error(package, error)
    assert line.verdict == verdict
    assert package in line.told
    assert word in line.do
    assert line.do.endswith((".", ")."))


def test_doctor_judges_packages_python_memory_and_kernel() -> None:
    assert doctor.judge_package("torch", "2.10.0", "2.2", True).verdict == "ok"  # not as texts
    assert doctor.judge_package("torch", "2.2", "2.2.0", True).verdict == "ok"
    assert doctor.judge_package("torch", None, "2.2", True).verdict == "missing"
    assert doctor.judge_package("jupyterlab", "3.0", "4.2", False).verdict == "warn"
    assert doctor.judge_python((3, 14)).verdict == "ok"
    assert doctor.judge_memory(None).verdict == "ok"
    assert doctor.judge_kernel(None, "/env/bin/python").verdict == "warn"
    assert doctor.judge_kernel("python", "/env/bin/python").verdict == "ok"
    assert doctor.judge_kernel("/env/bin/python3", "/env/bin/python").verdict == "ok"
    assert doctor.judge_kernel("/usr/bin/python3", "/env/bin/python").bad


def test_doctor_reads_torchvision_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('operator does not exist')")
    (package / "version.py").write_text("__version__ = '0.29.1+cu130'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    assert doctor.vision_version() == "0.29.1+cu130"


def test_doctor_reports_a_broken_torchvision_beside_this_torch(tmp_path: Path) -> None:
    """A real import of a torchvision that fails as a CUDA build beside a CPU torch does."""
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')\n"
    )
    (package / "version.py").write_text("__version__ = '0.29.1+cu999'\n")
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from camkit.cli import main; sys.exit(main())",
         "doctor"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(
            [str(tmp_path), str(Path(cli.__file__).parents[1])])},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "broken   torchvision does not fit torch" in done.stdout
    assert "must be mended" in done.stdout
    assert "Traceback" not in done.stderr


def test_doctor_tells_this_machine_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["doctor"])
    said = capsys.readouterr().out
    lines = said.splitlines()
    assert lines[0].startswith("ok       Python 3.")
    verdicts = {line.split(" ")[0] for line in lines if line and not line.startswith(" ")}
    assert verdicts <= {"ok", "warn", "missing", "broken", "Nothing"} or code == 1
    for word in ("camkit", "torch is a", "torchvision", "numba", "memory", "disk", "networks"):
        assert word in said
    assert (code == 0) == ("Nothing must be mended." in said)
    assert "\x1b" not in said


# --- the command itself -------------------------------------------------------------------------


@pytest.mark.parametrize("argv", [[], ["paint"], ["cam"], ["fetch"], ["cam", "x", "--colour"]])
def test_wrong_usage_is_2(argv: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(argv) == 2
    assert "usage: camkit" in capsys.readouterr().err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(
        re.search(rf"^\s+{name}\s", said, re.M) for name in ("cam", "lab", "fetch", "doctor")
    )


def test_the_installed_command_answers_without_torch() -> None:
    command = shutil.which("camkit", path=str(Path(sys.executable).parent))
    if command is None:
        pytest.skip("camkit is not installed as a command in this environment")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"camkit \d+\.\d+\.\d+\n", done.stdout)
    code = "import sys, camkit.cli; sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
