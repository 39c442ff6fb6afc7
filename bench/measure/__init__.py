"""How numbers are made: pinned fresh processes that take turns on one core.

A comparison of separate runs is mostly a comparison of two moments of the machine:
on shared machines its false-positive rate was seen at 41 %. Processes that take
turns of about 1.5 ms on one core see the same moment, so their ratio is stable even
where neither time is. `bench selftest` measures how well that works here.
"""
