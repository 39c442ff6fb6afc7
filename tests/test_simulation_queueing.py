"""The queue of machines: closed forms, SimPy on a small case, how many it takes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import simpy
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.errors import UserError
from bench.simulation.queueing import (
    erlang_c,
    machines,
    pollaczek_khinchine,
    waits,
)

# Intervals that hold a correct mean in all but one of 10^4 seeds.
SURE = 1 - 1e-4
TIMES = st.lists(st.floats(0, 10), min_size=1, max_size=40)


def replicated(services, rate, servers, *, runs=40, requests=30_000):
    """Interval of the mean wait over independent runs, each without its first tenth."""
    means = []
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        at_s = np.cumsum(rng.exponential(1 / rate, requests))
        found = waits(at_s, services(rng, requests), servers)
        means.append(found[requests // 10 :].mean())
    return stats.t.interval(SURE, runs - 1, np.mean(means), stats.sem(means))


def exponential(rng, count):
    return rng.exponential(1.0, count)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.7), (2, 1.6), (8, 6.8)])
def test_exponential_services_wait_as_erlang_says(servers, load):
    low, high = replicated(exponential, load, servers)
    assert low < erlang_c(load, 1.0, servers) < high
    # Narrow enough to tell it from a server more.
    assert not low < erlang_c(load, 1.0, servers + 1) < high


@pytest.mark.parametrize(
    ("name", "services", "second"),
    [
        ("constant", lambda rng, count: np.ones(count), 1.0),
        ("lognormal", lambda rng, count: rng.lognormal(-0.5, 1.0, count), math.e),
    ],
)
def test_one_server_waits_as_pollaczek_and_khinchine_say(name, services, second):
    low, high = replicated(services, 0.6, 1)
    assert low < pollaczek_khinchine(0.6, 1.0, second) < high
    assert not low < erlang_c(0.6, 1.0, 1) < high


def test_the_closed_forms_agree_where_they_meet():
    assert erlang_c(0.5, 1.0, 1) == pytest.approx(1.0)
    assert pollaczek_khinchine(0.5, 1.0, 2.0) == pytest.approx(1.0)
    # Two servers at half their load: C = 1/3, wait 1/3 of a service.
    assert erlang_c(1.0, 1.0, 2) == pytest.approx(1 / 3)
    assert erlang_c(3.0, 1.0, 3) == pollaczek_khinchine(1.0, 1.0, 1.0) == math.inf
    assert erlang_c(9_000.0, 1.0, 10_000) < 1e-9


def in_simpy(at_s, service_s, servers):
    """The same queue as processes that ask for a resource."""
    env = simpy.Environment()
    machine = simpy.Resource(env, capacity=servers)
    found = {}

    def request(number):
        yield env.timeout(at_s[number])
        with machine.request() as turn:
            yield turn
            found[number] = env.now - at_s[number]
            yield env.timeout(service_s[number])

    for number in range(len(at_s)):
        env.process(request(number))
    env.run()
    return np.array([found[number] for number in range(len(at_s))])


@pytest.mark.parametrize("servers", [1, 3, 10])
def test_it_waits_exactly_as_a_resource_of_simpy(servers):
    rng = np.random.default_rng(servers)
    at_s = np.cumsum(rng.exponential(1 / (0.9 * servers), 2000))
    service_s = rng.lognormal(-0.5, 1.0, 2000)
    ours = waits(at_s, service_s, servers)
    assert ours.max() > 0
    assert ours == pytest.approx(in_simpy(at_s, service_s, servers), abs=1e-9)


@given(TIMES, TIMES, st.integers(1, 6))
def test_another_machine_makes_no_request_wait_longer(at_s, service_s, servers):
    count = min(len(at_s), len(service_s))
    arrivals, services = np.sort(at_s[:count]), np.array(service_s[:count])
    few, more = (waits(arrivals, services, n) for n in (servers, servers + 1))
    assert (more <= few + 1e-9).all()
    assert (more >= 0).all()
    assert waits(arrivals, services, count).tolist() == [0.0] * count


@pytest.mark.parametrize(
    ("at_s", "service_s", "servers"),
    [([1.0, 0.0], [1.0, 1.0], 1), ([0.0], [1.0, 1.0], 1), ([0.0], [-1.0], 1),
     ([0.0], [1.0], 0), ([0.0], [math.nan], 1)],
)  # fmt: skip
def test_what_is_no_queue_is_refused(at_s, service_s, servers):
    with pytest.raises(ValueError, match="arrival"):
        waits(np.array(at_s), np.array(service_s), servers)


def level_of(count, load, within):
    """Share of M/M/c requests that take at most ``within`` services (Cooper, 1981)."""
    waiting = erlang_c(load, 1.0, count) * (count - load)
    drain = count - load
    served = math.exp(-within)
    both = (math.exp(-drain * within) - served) / (1 - drain) if drain != 1 else 0
    return 1 - served - waiting * both


def test_it_takes_as_many_machines_as_the_closed_form():
    """M/M/c with 200 requests a second of 50 ms: 10 machines are busy on average."""
    service = np.random.default_rng(1).exponential(50.0, 100_000)
    found = machines(200.0, service, within_ms=200.0, level=0.96, requests=400_000)
    load = 0.2 * service.mean()
    enough = next(n for n in range(11, 30) if level_of(n, load, 4.0) >= 0.96)
    assert found.count == enough
    assert found.low <= level_of(enough, load, 4.0) <= found.high
    assert found.low >= 0.96
    assert found.utilisation == pytest.approx(load / enough)
    assert 0 < found.n <= 360_000


def test_it_is_the_smallest_and_bursts_take_more():
    service = np.random.default_rng(2).lognormal(3.0, 0.5, 500)
    asked = {"within_ms": 150.0, "level": 0.99, "requests": 40_000}
    even = machines(300.0, service, **asked)
    bursty = machines(300.0, service, cv=4.0, **asked)
    assert even.low >= 0.99
    assert machines(300.0, service, most=even.count, **asked) == even
    assert machines(300.0, service, most=even.count - 1, **asked).count is None
    assert bursty.count > even.count
    # Late requests come together, so that they tell less.
    assert bursty.n < even.n


def test_no_number_helps_where_the_service_alone_takes_too_long():
    found = machines(10.0, np.full(5, 100.0), within_ms=99.0, level=0.5, most=50)
    assert found.count is None
    assert found.level == found.low == 0


def test_a_load_that_most_cannot_carry_has_no_answer():
    found = machines(100.0, np.full(5, 100.0), within_ms=1e9, level=0.5, most=10)
    assert found.count is None
    assert found.utilisation == 1


def test_one_seed_gives_one_answer():
    asked = {"within_ms": 30.0, "level": 0.9, "requests": 5_000}
    service = np.array([5.0, 20.0])
    first, again, other = (
        machines(100.0, service, seed=seed, **asked) for seed in (1, 1, 2)
    )
    assert first == again
    assert first.level != other.level


@pytest.mark.parametrize(
    ("field", "given_"),
    [("rate", {"rate": 0.0}), ("rate", {"rate": math.nan}), ("cv", {"cv": 0.0}),
     ("within_ms", {"within_ms": -1.0}), ("level", {"level": 1.0}),
     ("most", {"most": 0}), ("service_ms", {"service_ms": np.array([])}),
     ("service_ms", {"service_ms": np.array([math.inf])})],
)  # fmt: skip
def test_bad_input_names_its_field(field, given_):
    good = {"rate": 1.0, "service_ms": np.ones(3), "within_ms": 5.0, "level": 0.9}
    asked = good | given_
    with pytest.raises(UserError) as caught:
        machines(asked.pop("rate"), asked.pop("service_ms"), **asked)
    assert caught.value.field == field
    assert caught.value.remedy
