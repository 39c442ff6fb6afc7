"""The report of a run of `bench worker`: its tables, and what their rows rest on."""

from __future__ import annotations

import orjson
from test_project_tables import EVIL, FREE, document, run_of
from test_report import page_of

from bench import report
from bench.report._contests import brief, whole


def test_a_worker_has_a_report_of_its_own(tmp_path):
    run = run_of(tmp_path / "run", {"GET /a": (3, 1), EVIL: (400, 200)}, flame=[])
    made = document(run, FREE)
    run.save("worker.json", orjson.dumps(made))
    report.build(run.path)
    page = page_of(run.path)
    assert "Does this Worker fit, and where does its CPU go?" in page.text
    for words in ("cost of a request", "by route, free", "src/x.ts:3", EVIL):
        assert words in page.text
    assert len(page.having("script")) == 1
    links = [a["href"] for a in page.having("a") if a.get("class") == "raw"]
    anchors = {attributes.get("id") for _, attributes in page.elements}
    assert len(links) > 10
    assert {link[1:] for link in links} <= anchors
    assert "--cell '*/warm/worker/GET %2Fa/plain/*'" in page.text
    for text in (brief("worker", made), whole("worker", made)):
        assert "mine" in text
        assert max(map(len, text.splitlines())) <= 100
