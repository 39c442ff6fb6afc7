"""How the process of a notebook can end, in words that both its ends know."""

OK = "ok"
FAILED = "failed"
INTERRUPTED = "interrupted"
NOT_STARTED = "the kernel did not start"
DIED = "the kernel died"
TIMED_OUT = "it took too long"
CRASHED = "its process crashed"
