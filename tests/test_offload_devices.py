"""Where the re-ranking service computes: the GPU where there is one, else the CPU."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from service_support import ask
from test_services_rerank import DIMS, candidate, hold_equal, query, ranked

from bench.errors import UserError
from bench.services import _rerank_backend
from bench.services.rerank import Service


@pytest.fixture
def service():
    return Service(1)


@pytest.fixture
def torch(monkeypatch):
    """Makes a module the torch of this test, or none for None."""

    def become(module):
        monkeypatch.setitem(sys.modules, "torch", module)
        _rerank_backend.gpu.cache_clear()

    yield become
    _rerank_backend.gpu.cache_clear()


class Tensor:
    """As much of a tensor as the service uses, over numpy."""

    def __init__(self, array):
        self.array = array

    def to(self, device):
        assert device == "cuda"
        return self

    def sum(self, axis):
        return Tensor(self.array.sum(axis))

    def sqrt(self):
        return Tensor(np.sqrt(self.array))

    def cpu(self):
        return self

    def numpy(self):
        return self.array

    def __len__(self):
        return len(self.array)

    def __getitem__(self, places):
        return Tensor(self.array[places.array])

    def __mul__(self, other):
        return Tensor(self.array * other.array)

    def __truediv__(self, other):
        with np.errstate(all="ignore"):
            return Tensor(self.array / other.array)

    def __gt__(self, number):
        return Tensor(self.array > number)


def stand_in(available):
    return SimpleNamespace(
        __version__="9.9",
        cuda=SimpleNamespace(
            is_available=lambda: available, get_device_name=lambda: "Imaginary 1"
        ),
        from_numpy=Tensor,
        cat=lambda parts: Tensor(np.concatenate([part.array for part in parts])),
        zeros_like=lambda one: Tensor(np.zeros_like(one.array)),
        where=lambda test, a, b: Tensor(np.where(test.array, a.array, b.array)),
    )


def test_without_torch_it_computes_on_the_cpu_and_says_so(torch):
    torch(None)  # importing it fails
    told = json.loads(ask(Service(1), "GET", "/info").body)
    assert told["device"] == "cpu"
    assert told["backend"].startswith("numpy ")
    assert told["gpu"] == "no GPU: torch is not installed"


def test_torch_without_a_gpu_is_no_gpu(torch):
    torch(stand_in(available=False))
    told = json.loads(ask(Service(1), "GET", "/info").body)
    assert (told["device"], told["gpu"]) == (
        "cpu",
        "no GPU: torch 9.9 finds no CUDA device",
    )


def test_a_gpu_is_chosen_where_there_is_one_and_answers_the_same(torch):
    asked = [
        query(candidate(0, 1, 0, 0), candidate(1, 1, 0, 0), candidate(0, 0, 0, 0)),
        query(candidate(1, 0, 0, 0)),
    ]
    service = Service(1)
    on_cpu = ranked(service, asked)
    torch(stand_in(available=True))
    chosen = Service(1)
    told = json.loads(ask(chosen, "GET", "/info").body)
    assert (told["device"], told["backend"]) == ("cuda", "torch 9.9")
    assert told["gpu"] == "GPU: Imaginary 1"
    for form in ("json", "ids"):
        hold_equal(ranked(chosen, asked[:1], form), on_cpu[:1])
    hold_equal(ranked(chosen, asked), on_cpu)
    chosen.configure({"device": "cpu"})
    assert json.loads(ask(chosen, "GET", "/info").body)["device"] == "cpu"


def test_a_gpu_that_is_not_there_cannot_be_asked_for(torch, service):
    torch(None)
    service.put({"vectors": [{"id": "a", "values": [1.0]}]})
    with pytest.raises(UserError, match="torch is not installed") as caught:
        service.configure({"device": "cuda"})
    assert "workbench[gpu]" in caught.value.remedy
    with pytest.raises(UserError, match="device"):
        service.configure({"device": "tpu"})
    assert service.settings.device == "auto"
    assert service.dump() == {"1": ["a"]}


def test_a_real_gpu_answers_as_the_cpu_does():
    real = pytest.importorskip("torch", reason="torch is not installed: no GPU tested")
    if not real.cuda.is_available():
        pytest.skip("torch finds no CUDA device: no GPU tested")
    draw = np.random.default_rng(1)
    asked = [
        query(
            *(candidate(*draw.normal(size=DIMS).tolist()) for _ in range(50)),
            vector=draw.normal(size=DIMS).tolist(),
        )
        for _ in range(8)
    ]
    on_cpu, on_gpu = Service(1), Service(1)
    on_cpu.configure({"device": "cpu"})
    on_gpu.configure({"device": "cuda"})
    for form in ("json", "bytes"):
        pairs = zip(
            ranked(on_cpu, asked, form), ranked(on_gpu, asked, form), strict=True
        )
        for (_, ours), (_, theirs) in pairs:
            assert theirs == pytest.approx(ours, abs=1e-5)
