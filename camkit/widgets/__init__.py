"""What a learner moves and clicks: thin ipywidgets shells around pure functions.

ipywidgets is imported when something is shown, so that the package stays cheap to import.
"""

from __future__ import annotations

from camkit.widgets.votes import predict

__all__ = ["predict"]
