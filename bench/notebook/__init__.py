"""What the notebooks call, so that each cell of them is a line or two.

A notebook executed by the batch writes into the run that ``WORKBENCH_RUN`` names; one
that is executed by itself, in JupyterLab or by papermill, makes a run of its own and
seals it with its last cell. Parameters are checked before anything is measured.
"""

from __future__ import annotations

from bench.notebook._claims import JudgedClaims, judged_claims
from bench.notebook._history import RunHistory, run_history
from bench.notebook._matrix import DecisionMatrix, decision_matrix
from bench.notebook._parsers import JsonParsers, check_parsers, json_parsers
from bench.notebook._request_path import RequestPath, check, request_path
from bench.notebook._rerank import RerankOffload, check_rerank, rerank_offload
from bench.notebook._start import Start, finished_run
from bench.notebook._workloads import (
    Workloads,
    check_workloads,
    replay_workloads,
)

__all__ = [
    "DecisionMatrix",
    "JsonParsers",
    "JudgedClaims",
    "RequestPath",
    "RerankOffload",
    "RunHistory",
    "Start",
    "Workloads",
    "check",
    "check_parsers",
    "check_rerank",
    "check_workloads",
    "decision_matrix",
    "finished_run",
    "json_parsers",
    "judged_claims",
    "replay_workloads",
    "request_path",
    "rerank_offload",
    "run_history",
]
