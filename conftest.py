"""What every test shares: one thread, no window, and the way to real material."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Both are read when torch and matplotlib are first imported, so they are set before any test is.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

# The same cases in every run, and no failure because another process had the processor.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Return the folder of real photographs and trained networks, or skip the test."""
    named = os.environ.get("CAMKIT_REALDATA")
    if not named:
        pytest.skip("CAMKIT_REALDATA is not set; it names a folder of real photographs and weights")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"CAMKIT_REALDATA names {folder}, which is not a folder")
    return folder
