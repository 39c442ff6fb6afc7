"""The main job: every notebook, each by papermill in a process of its own.

papermill changes the working directory of its process and loses unknown parameters
with a warning, so each notebook gets a process, and names and types of parameters are
checked here before the first one starts.
"""

from __future__ import annotations

from bench.batch.driver import NotebookResult, run_batch
from bench.batch.parameters import (
    Parameter,
    from_text,
    inspect,
    notebooks,
    select,
    validate,
)

__all__ = [
    "NotebookResult",
    "Parameter",
    "from_text",
    "inspect",
    "notebooks",
    "run_batch",
    "select",
    "validate",
]
