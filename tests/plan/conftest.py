"""Property tests of the planner search for a while, and machines are shared: no deadline."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("planner", deadline=None)
settings.load_profile("planner")
