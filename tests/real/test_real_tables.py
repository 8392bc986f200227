"""The numbers of photographs are what the photographs give; Grad-CAM is CAM on real networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from camkit import saliency
from camkit.tables import photographs

ROWS = range(5, 256, 13)  # twenty


@pytest.mark.parametrize("name", list(photographs.NETWORKS))
def test_twenty_rows_computed_again(realdata: Path, name: str) -> None:
    """Every box of twenty photographs; another processor may round an IoU to the next 200th."""
    net, rows = photographs.network(realdata, name), photographs.photographs(realdata)
    others = photographs.others([row.label for row in rows])
    told = dict(load_file(photographs.FILE))
    assert told["labels"].tolist() == [row.label for row in rows]
    assert told["boxes"].tolist() == [len(row.boxes) for row in rows]
    same = []
    for i in ROWS:
        found = photographs.examined(net, rows[i], others[i])
        assert np.array_equal(photographs._centred(rows[i]), told["centred"][i])
        assert np.array_equal(found.pop("top5"), told[f"{name}.top5"][i])
        for key, values in found.items():
            kept = told[f"{name}.{key}"][i].astype(int)
            same += (np.abs(values.astype(int) - kept) <= 1).tolist()
    print(f"{name}: {100 * np.mean(same):.2f} % of {len(same)} IoUs the same")
    assert np.mean(same) > 0.99


@pytest.mark.parametrize("name", list(photographs.NETWORKS))
def test_grad_cam_of_a_real_network_is_its_cam(realdata: Path, name: str) -> None:
    """MobileNetV2: CAM / (h w). SqueezeNet has a ReLU after its maps: as many places as it lets by.

    S_c = mean(relu(M_c + b_c)), so dS_c/df_k is w_k^c / (h w) where M_c + b_c > 0, and 0 elsewhere.
    """
    net, rows = photographs.network(realdata, name), photographs.photographs(realdata)
    inputs, _ = photographs._prepared(net, rows[3])
    classes = [rows[3].label, 0, 999]
    with torch.no_grad():
        features = net.features(inputs)
        cam = net.maps(features, classes)
        passed = cam + net.bias[classes][None, :, None, None] > 0
    share = passed.float().mean(dim=(2, 3), keepdim=True) if net.relu_map else 1.0
    wanted = cam * share / features[0, 0].numel()
    found = saliency.grad_cam(net, inputs, classes, relu=False)
    assert (found - wanted).abs().max() < 1e-6 * max(1.0, float(wanted.abs().max()))
    assert wanted.abs().max() > 1e-3
