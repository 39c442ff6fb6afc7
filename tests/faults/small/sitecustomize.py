"""Makes the work of `bench stages` small and of many cells, in every process.

The folder of this file is put on PYTHONPATH: kernels of notebooks import it as well.
Driver, store, kernel, services, workerd and measured processes stay what they are; a
phase is measured once and shortly, and each runtime has further cells of some requests.
FAULTS_FURTHER is their number. `bench run` finds its notebooks in the folder that
FAULTS_NOTEBOOKS names.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import sys
from pathlib import Path

FURTHER = int(os.environ.get("FAULTS_FURTHER", "0"))


def make_small(stages):
    """Replace the sizes and the further cells that ``bench.measure.stages`` uses."""
    from bench.measure.sizes import SIZES, PhaseSize, Size
    from bench.measure.turns import Pace
    from bench.runtimes import cpython, workerd

    pace = Pace(rounds=1, seconds=0.1, warm_seconds=0.01, least=1)
    once = PhaseSize(0, 1e-9, 1, pace)
    SIZES["quick"] = Size(warm=once, cold=once, alone=once, profile_seconds=0.1)
    stages.JOURNEY = ("ingest",)
    # One group has no interval.
    stages.derive.width = lambda *_: 1.0
    cpython.cells = further(ask_cpython)
    workerd.cells = further(ask_workerd)
    for runtime in (cpython, workerd):
        runtime.alone = lambda *_: (cost for cost in ())
        runtime.profile = lambda *_: []


def further(ask):
    """Cells that call ``ask``, in the form in which a runtime gives its own."""

    def cells(scene, seed, seconds):
        def rows(number):
            values = ask(scene, seed + number)
            return [
                {"stage": f"further {number}", "metric": "cpu", "unit": "ns"}
                | {"seq": seq, "value": value}
                for seq, value in enumerate(values)
            ]

        names = range(FURTHER)
        return {f"further {n}": lambda n=n: rows(n) for n in names}

    return cells


def ask_cpython(scene, seed):
    """CPU ns of some requests to a fresh measured process."""
    from bench.measure.process import Child

    setup = "bench.runtimes.cpython:set_up_whole"
    with Child(setup, {"scene": str(scene.path)}, seed=seed) as child:
        child.ready()
        return [child.turn("ingest").cpu for _ in range(20)]


def ask_workerd(scene, seed):
    """CPU ns of some requests to a fresh workerd."""
    from bench.workerd.fleet import Fleet
    from bench.workerd.subjects import MEASURED, check

    request = scene.world.requests["ingest"]
    with Fleet(scene, [MEASURED]) as fleet:
        costs = []
        for _ in range(20):
            cost, answer = fleet.cost(0, request)
            check(scene, "ingest", answer)
            costs.append(cost.cpu)
        return costs


def look_elsewhere(driver):
    """Change where ``bench.batch.driver`` and its neighbours look for notebooks."""
    folder = Path(os.environ["FAULTS_NOTEBOOKS"])
    driver.select.__defaults__ = (folder,)
    driver.run_batch.__kwdefaults__["folder"] = folder


class After(importlib.abc.MetaPathFinder):
    """Calls ``change(module)`` once the module ``name`` has been imported, and costs
    nothing where it never is."""

    def __init__(self, name, change):
        self.name, self.change = name, change

    def find_spec(self, name, path, target=None):
        """The real module, with an afterthought."""
        if name != self.name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def executed(module):
            execute(module)
            self.change(module)

        spec.loader.exec_module = executed
        return spec


sys.meta_path.insert(0, After("bench.measure.stages", make_small))
if "FAULTS_NOTEBOOKS" in os.environ:
    sys.meta_path.insert(0, After("bench.batch.driver", look_elsewhere))
