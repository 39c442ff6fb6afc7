"""Traffic: when requests arrive, read from a recording, and what that is like.

    trace = read("AzureLLMInferenceTrace_code.csv")     any format of `formats`
    trace.scaled(volume=10, speed=2)                    more of it, or faster
    shape(trace)                                        rate, burstiness, hours
    generators.load()["gamma"]                          arrivals that are drawn

Arrivals are seconds from the first one. Nothing else of a recording is kept than times
and token counts: no header, no address, no text.
"""

from bench.traffic._reading import formats, read
from bench.traffic._shape import Shape, shape
from bench.traffic._trace import Bad, Trace

__all__ = ["Bad", "Shape", "Trace", "formats", "read", "shape"]
