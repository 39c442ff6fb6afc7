"""What the duration profiles ``quick`` and ``full`` mean, in one table."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bench.errors import UserError
from bench.measure.turns import Pace


@dataclass(frozen=True, slots=True)
class PhaseSize:
    """When the measurement of one phase stops.

    At ``target_width`` (relative width of the 95 % interval of the whole of each
    invocation) once there are ``enough`` groups, or after ``seconds``, but not before
    ``min_groups``.
    """

    seconds: float
    target_width: float
    min_groups: int
    pace: Pace = field(default_factory=Pace)
    enough: int = 0


@dataclass(frozen=True, slots=True)
class Size:
    """Sizes of the phases and of the extras of ``bench stages``."""

    warm: PhaseSize
    cold: PhaseSize
    alone: PhaseSize
    profile_seconds: float

    def seconds(self, phases: list[str], runtimes: int = 1) -> float:
        """An upper estimate for the progress display."""
        main = sum(getattr(self, phase).seconds for phase in phases)
        each = main + self.alone.seconds + self.profile_seconds
        return float(each * (0.5 + runtimes / 2) + 10)

    def halved(self) -> Size:
        """Half the time for each phase and each of its groups."""

        def half(phase: PhaseSize) -> PhaseSize:
            pace = replace(phase.pace, seconds=phase.pace.seconds / 2)
            return replace(phase, seconds=phase.seconds / 2, pace=pace)

        return replace(
            self, warm=half(self.warm), cold=half(self.cold), alone=half(self.alone)
        )


SIZES = {
    "quick": Size(
        warm=PhaseSize(50, 0.04, 6, Pace(rounds=16, seconds=8, warm_seconds=0.8)),
        cold=PhaseSize(36, 0.05, 8, enough=60),
        alone=PhaseSize(20, 0.05, 4, Pace(rounds=10, seconds=3, warm_seconds=0.2)),
        profile_seconds=4,
    ),
    "full": Size(
        warm=PhaseSize(300, 0.02, 12, Pace(rounds=40, seconds=30, warm_seconds=4)),
        cold=PhaseSize(300, 0.02, 30, enough=200),
        alone=PhaseSize(120, 0.02, 12, Pace(rounds=30, seconds=15, warm_seconds=1)),
        profile_seconds=15,
    ),
}


def late(spent: float, done: int, seconds: float) -> bool:
    """Whether one more group, as long as the ``done`` ones that took ``spent`` s were
    on average, would end after ``seconds``: the limit is a promise."""
    return spent * (done + 1) > seconds * done


def size(profile: str) -> Size:
    """The size of a duration profile. Raises UserError for an unknown name."""
    if profile not in SIZES:
        raise UserError(
            f"{profile!r} is not a duration profile",
            field="profile",
            remedy=f"choose one of {', '.join(SIZES)}",
        )
    return SIZES[profile]
