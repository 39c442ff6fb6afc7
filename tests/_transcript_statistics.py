"""What can be counted in a Deepgram body; `_transcript_bands` says what is usual."""

from __future__ import annotations

import itertools
import json
import re
import statistics as stats
from collections.abc import Iterable
from functools import cached_property

from bench.fixtures._numbers import float16, float32, positional_float32

INTEGER_KEYS = {"channels", "channel", "speaker", "num_words"}
HEAD = 450
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+')
_SAID = re.compile(r'"(?:transcript|text|short)":\s*"(?:[^"\\]|\\.)*"')
_NUMBERS = re.compile(r'"(\w+)":\s*(-?[0-9][0-9.eE+-]*)')


class Body:
    """A response with what the statistics need of it."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.data = data
        self.tree = json.loads(data)

    def __repr__(self) -> str:
        return self.name

    @cached_property
    def text(self):
        return self.data.decode()

    @cached_property
    def results(self):
        return self.tree["results"]

    @cached_property
    def best(self):
        return self.results["channels"][0]["alternatives"][0]

    @cached_property
    def words(self):
        return self.best["words"]

    @cached_property
    def sentences(self):
        return [s for p in self.paragraphs for s in p["sentences"]]

    @cached_property
    def paragraphs(self):
        return self.best.get("paragraphs", {}).get("paragraphs", [])

    @cached_property
    def utterances(self):
        return self.results.get("utterances", [])

    @cached_property
    def features(self):
        first = self.words[0]
        present = {
            "P": bool(self.paragraphs),
            "U": bool(self.utterances),
            "D": "speaker" in first,
            "p": "punctuated_word" in first,
        }
        return "".join(key for key, there in present.items() if there)

    @cached_property
    def minified(self):
        return json.dumps(self.tree, separators=(",", ":"), ensure_ascii=False).encode()

    @cached_property
    def wire(self):
        return self.data == self.minified

    @cached_property
    def arch(self):
        return next(iter(self.tree["metadata"]["model_info"].values()))["arch"]

    @cached_property
    def nova_2(self):
        # One page of the documentation calls a 2-general-nova "nova-3".
        info = next(iter(self.tree["metadata"]["model_info"].values()))
        return info["name"].startswith("2-")

    @cached_property
    def nova_3(self):
        return self.arch == "nova-3" and not self.nova_2

    @cached_property
    def confidences(self):
        return [word["confidence"] for word in self.words]

    @cached_property
    def half(self):
        """Whether the confidences are of the float16 regime."""
        return 1 in self.confidences

    @cached_property
    def steps(self):
        """Lengths of words in steps of 0.08 s."""
        return [(word["end"] - word["start"]) / 0.08 for word in self.words]

    @cached_property
    def gaps(self):
        pairs = itertools.pairwise(self.words)
        return [after["start"] - before["end"] for before, after in pairs]

    @cached_property
    def numbers(self):
        """(key, text) of every number that stands under a key."""
        return _NUMBERS.findall(
            re.sub(r'"(?:transcript|text)":"(?:[^"\\]|\\.)*"', "", self.text)
        )

    @cached_property
    def time_lengths(self):
        found = _NUMBERS.findall(json.dumps(self.words))
        return [len(text) for key, text in found if key in ("start", "end")]

    @cached_property
    def speaker_confidences(self):
        return [word["speaker_confidence"] for word in self.words]


def quantile(values: Iterable[float], probability: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(probability * len(ordered)))]


def share(flags: Iterable[bool]) -> float:
    seen = list(flags)
    return sum(seen) / len(seen)


def runs(values: Iterable[object]) -> list[int]:
    return [len(list(group)) for _, group in itertools.groupby(values)]


def size(value: object) -> int:
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def outside_strings(body: Body) -> str:
    return re.sub(r'"(?:[^"\\]|\\.)*"', '""', body.text)


def white_space(body: Body) -> float:
    bare = outside_strings(body)
    return sum(len(gap) for gap in re.findall(r"\s+", bare)) / len(body.text)


def odd_numbers(body: Body) -> int:
    """Numbers not in wire form: not shortest float32, or an integer elsewhere."""
    return sum(
        "." not in text if key not in INTEGER_KEYS else "." in text
        for key, text in body.numbers
    ) + sum(
        text != positional_float32(float(text))
        for _, text in body.numbers
        if "." in text
    )  # fmt: skip


def newlines_elsewhere(body: Body) -> int:
    """``\\n`` escapes outside ``paragraphs.transcript``."""
    shown = body.best.get("paragraphs", {}).get("transcript", "")
    return body.text.count("\\n") - shown.count("\n")


def word_size(body: Body, probability: float | None = None) -> float:
    sizes = [size(word) for word in body.words]
    return stats.fmean(sizes) if probability is None else quantile(sizes, probability)


def per_word(body: Body) -> float:
    return (len(body.minified) - HEAD) / len(body.words)


def portion(body: Body, part: object) -> float:
    return size(part) / len(body.minified)


def tokens(body: Body) -> float:
    return len(_TOKENS.findall(body.text)) / len(body.words)


def floats(body: Body) -> float:
    return sum("." in text for _, text in body.numbers) / len(body.words)


def lengths(body: Body) -> list[int]:
    return [len(word["word"]) for word in body.words]


def differing(body: Body) -> float:
    return share(word["punctuated_word"] != word["word"] for word in body.words)


def on_grid(body: Body) -> float:
    """Share of words that last a whole number of steps."""
    return share(abs(steps - round(steps)) < 0.01 for steps in body.steps)


def capped(body: Body) -> float:
    return share(abs(steps - 6.25) < 0.01 for steps in body.steps)


def starts_on_grid(body: Body) -> float:
    starts = [word["start"] for word in body.words]
    return share(abs(at / 0.08 - round(at / 0.08)) < 1e-3 for at in starts)


def long_times(body: Body) -> float:
    return share(length >= 8 for length in body.time_lengths)


def half_values(body: Body) -> float:
    return share(float16(value) == float32(value) for value in body.confidences)


def distinct(values: list[float]) -> float:
    return len(set(values)) / len(values)


def digits(body: Body) -> float:
    """Share of confidences with at least seven significant digits."""
    return share(len(str(value).lstrip("0.")) >= 7 for value in body.confidences)


def off_median(body: Body) -> float:
    middle = sorted(body.confidences)[len(body.words) // 2]
    return abs(body.best["confidence"] - middle)


def speaker_runs(body: Body) -> list[int]:
    return runs(word["speaker"] for word in body.words)


def certainty_runs(body: Body) -> list[int]:
    return runs((word["speaker"], word["speaker_confidence"]) for word in body.words)


def paragraph_words(body: Body) -> list[int]:
    return [paragraph["num_words"] for paragraph in body.paragraphs]


def sentence_words(body: Body) -> list[int]:
    return [len(sentence["text"].split()) for sentence in body.sentences]


def utterance_words(body: Body) -> list[int]:
    return [len(utterance["words"]) for utterance in body.utterances]


def off_mean(body: Body) -> float:
    """Largest distance of an utterance's confidence from its words' mean."""
    return max(
        abs(u["confidence"] - stats.fmean(w["confidence"] for w in u["words"]))
        for u in body.utterances
    )


def latest(body: Body) -> bool:
    """Whether ``diarize_model=latest`` was asked for: it prints two constants."""
    return "D" in body.features and set(body.speaker_confidences) <= {0.98, 1.0}


def indented(body: Body) -> bool:
    return re.search(r'\n {4,6}"metadata"', body.text) is not None
