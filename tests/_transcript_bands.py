"""The bands that statistics of recorded Deepgram bodies lie in.

One table for recorded and generated bodies: what a recorded body does not satisfy must
not be in it, and a generator that leaves a band has drifted from what Deepgram sends.
"""

from __future__ import annotations

import re
import statistics as stats
from collections.abc import Callable
from dataclasses import dataclass

from _transcript_statistics import (
    Body,
    capped,
    certainty_runs,
    differing,
    digits,
    distinct,
    floats,
    half_values,
    indented,
    latest,
    lengths,
    long_times,
    newlines_elsewhere,
    odd_numbers,
    off_mean,
    off_median,
    on_grid,
    outside_strings,
    paragraph_words,
    per_word,
    portion,
    quantile,
    sentence_words,
    share,
    speaker_runs,
    starts_on_grid,
    tokens,
    utterance_words,
    white_space,
    word_size,
)

Test = Callable[[Body], bool]
Count = Callable[[Body], float]


@dataclass(frozen=True)
class Statistic:
    """``of`` a body must lie in low..high, for bodies that ``where`` selects.

    ``unrecorded`` says why no recorded body at hand shows it.
    """

    name: str
    of: Count
    low: float
    high: float
    where: Test
    unrecorded: str = ""

    def verdict(self, body: Body) -> str:
        """What is wrong with ``body``; empty if it is in the band."""
        value = self.of(body)
        fits = self.low <= value <= self.high
        return "" if fits else f"{body}: {value:.6g} not in {self.low}..{self.high}"


def every(*tests: Test) -> Test:
    return lambda body: all(test(body) for test in tests)


def features(wanted: str) -> Test:
    return lambda body: body.features == wanted and len(body.words) >= 50


def at(probability: float, values: Callable[[Body], list[float]]) -> Count:
    return lambda body: quantile(values(body), probability)


def steps(body: Body) -> list[float]:
    return body.steps


def gaps(body: Body) -> list[float]:
    return body.gaps


def pauses(body: Body) -> list[float]:
    return [gap for gap in body.gaps if gap]


def sure(body: Body) -> list[float]:
    return body.confidences


def speaker_sure(body: Body) -> list[float]:
    return body.speaker_confidences


def ones(body: Body) -> float:
    return share(value == 1 for value in body.confidences)


def escapes(body: Body) -> float:
    return body.text.count("\\u")


def exponents(body: Body) -> float:
    return len(re.findall(r"[0-9][eE]", outside_strings(body)))


def speed(body: Body) -> float:
    return len(body.words) / body.tree["metadata"]["duration"]


def words_part(body: Body) -> float:
    return portion(body, body.words)


def paragraphs_part(body: Body) -> float:
    return portion(body, body.best["paragraphs"])


def transcript_part(body: Body) -> float:
    return portion(body, body.best["transcript"])


def utterances_part(body: Body) -> float:
    return portion(body, body.utterances)


def most_sentences(body: Body) -> float:
    return max(len(paragraph["sentences"]) for paragraph in body.paragraphs)


def between_modes(body: Body) -> float:
    return share(length == 8 for length in body.time_lengths)


def wire(body: Body) -> bool:
    return body.wire


def some(body: Body) -> bool:
    return len(body.words) >= 50


def hundred(body: Body) -> bool:
    return len(body.words) >= 100


def many(body: Body) -> bool:
    return len(body.words) >= 1000


def nova(body: Body) -> bool:
    return some(body) and body.arch != "whisper"


def nova_2(body: Body) -> bool:
    return some(body) and body.nova_2


def nova_3(body: Body) -> bool:
    return body.nova_3


def half(body: Body) -> bool:
    return some(body) and body.half and "p" in body.features


def single(body: Body) -> bool:
    return nova(body) and not body.half


def punctuated(body: Body) -> bool:
    return some(body) and "p" in body.features


def undiarised(body: Body) -> bool:
    return punctuated(body) and "D" not in body.features and body.wire


def diarised(body: Body) -> bool:
    return punctuated(body) and "D" in body.features and not latest(body)


def call(body: Body) -> bool:
    return many(body) and diarised(body)


def book(body: Body) -> bool:
    return many(body) and "P" in body.features


def doubled(body: Body) -> bool:
    return some(body) and {"P", "U"} <= set(body.features)


def spoken(body: Body) -> bool:
    return some(body) and "U" in body.features


def with_utterances(body: Body) -> bool:
    return "U" in body.features


def bare_pretty(body: Body) -> bool:
    return body.features == "" and indented(body)


def clocked(body: Body) -> bool:
    """In wire form, and short enough for its times to have at most three digits."""
    return nova(body) and body.wire and body.tree["metadata"]["duration"] < 1000


def whole(body: Body) -> bool:
    """The cut body of 112 words keeps the confidence of the whole call."""
    return body.wire and len(body.words) != 112


PUDP = every(features("PUDp"), diarised)
LATEST = every(latest, with_utterances)
CLOCKED_2 = every(clocked, nova_2)
ELSEWHERE = "seen in a recording that is not among the files"
NINE = "the recorded body with these features has nine words"

S = Statistic
WIRE_FORM = [
    S("white space, minified", white_space, 0, 0, wire),
    S("white space, pretty", white_space, 0.68, 0.78, bare_pretty),
    S("last byte", lambda b: b.data[-1], ord("}"), ord("}"), wire),
    S("numbers not in wire form", odd_numbers, 0, 0, wire),
    S("exponents", exponents, 0, 0, wire),
    S("escapes of UTF-8", escapes, 0, 0, wire),
    S("newline escapes elsewhere", newlines_elsewhere, 0, 0, wire),
]
SIZE_LAW = [
    S("bytes per word, bare", per_word, 66, 82, features("")),
    S("bytes per word, p", per_word, 92, 110, features("p")),
    S("bytes per word, Pp", per_word, 108, 138, features("Pp")),
    S("bytes per word, PDp", per_word, 156, 172, features("PDp")),
    S("bytes per word, PUp", per_word, 218, 245, features("PUp")),
    S("bytes per word, PUDp", per_word, 312, 340, PUDP, NINE),
    S("bytes per word, PUDp, latest", per_word, 295, 340, LATEST),
    S("word object, bare", word_size, 60, 68, features("")),
    S("word object, p", word_size, 87, 99, undiarised),
    S("word object, Dp", word_size, 131, 139, diarised),
    S("word object, Dp, 5 %", lambda b: word_size(b, 0.05), 121, 132, diarised),
    S("word object, Dp, 95 %", lambda b: word_size(b, 0.95), 140, 150, diarised),
    S("share of words, PDp", words_part, 0.78, 0.85, features("PDp")),
    S("share of paragraphs, PDp", paragraphs_part, 0.11, 0.16, features("PDp")),
    S("share of transcript, PDp", transcript_part, 0.028, 0.036, features("PDp")),
    S("share of utterances, PU", utterances_part, 0.46, 0.51, doubled),
    S("share of words, PU", words_part, 0.385, 0.44, doubled),
    S("share of paragraphs, PU", paragraphs_part, 0.05, 0.09, doubled),
    S("share of transcript, PU", transcript_part, 0.015, 0.026, doubled),
    S("tokens per word, PDp", tokens, 32, 37, features("PDp")),
    S("tokens per word, PUp", tokens, 48, 60, features("PUp")),
    S("tokens per word, PUDp", tokens, 64, 72, PUDP, NINE),
    S("floats per word, PDp", floats, 4.25, 4.65, features("PDp")),
    S("floats per word, PUp", floats, 6.3, 6.9, features("PUp")),
    S("floats per word, PUDp", floats, 8.4, 8.9, PUDP, NINE),
]
WORDS = [
    S("word length, mean", lambda b: stats.fmean(lengths(b)), 3.8, 4.3, hundred),
    S("word length, 1 %", at(0.01, lengths), 1, 1, hundred),
    S("word length, 25 %", at(0.25, lengths), 2, 3, hundred),
    S("word length, 50 %", at(0.5, lengths), 4, 4, hundred),
    S("word length, 75 %", at(0.75, lengths), 5, 5, hundred),
    S("word length, 95 %", at(0.95, lengths), 8, 9, hundred),
    S("word length, 99 %", at(0.99, lengths), 10, 12, many),
    S("punctuated_word differs", differing, 0.22, 0.37, punctuated),
]
TIME = [
    S("steps of a word, 25 %", at(0.25, steps), 1.9, 2.1, hundred),
    S("steps of a word, 50 %", at(0.5, steps), 2.9, 4.1, nova),
    S("steps of a word, 75 %", at(0.75, steps), 2.9, 6.1, nova),
    S("steps of a word, 95 %", at(0.95, steps), 5.9, 9.1, nova),
    S("steps of a word, 99 %", at(0.99, steps), 10.5, 21.5, many),
    S("steps of a word, most", lambda b: max(b.steps), 22, 97.1, many),
    S("nova-3: words on the grid", on_grid, 1, 1, nova_3),
    S("nova-2: or capped", lambda b: on_grid(b) + capped(b), 0.94, 1, nova_2),
    S("nova-2: words of exactly 0.5 s", capped, 0.14, 0.27, nova_2),
    S("no gap", lambda b: share(gap == 0 for gap in b.gaps), 0.7, 0.97, nova),
    S("gap where there is one, 50 %", at(0.5, pauses), 0.14, 0.65, many),
    S("gap, 99 %", at(0.99, gaps), 1.2, 2.2, many),
    S("gap, longest", lambda b: max(b.gaps), 40, 50, many),
    S("negative gaps", lambda b: sum(g < 0 for g in b.gaps), 1, 1, many, ELSEWHERE),
    S("gap, shortest", lambda b: min(b.gaps), -1.0851, -1.0849, many, ELSEWHERE),
    S("a word of 7.76 s", lambda b: max(b.steps), 96.9, 97.1, many, ELSEWHERE),
    S("starts on the grid of 0.08 s", starts_on_grid, 0.05, 0.52, nova),
    S("time texts of 8 to 10 characters", long_times, 0.15, 0.4, clocked),
    S("nova-2: of 8 to 10 characters", long_times, 0.18, 0.4, CLOCKED_2),
    S("time texts between two modes", between_modes, 0, 0.05, clocked),
    S("words per second", speed, 1.85, 2.85, nova),
]
CONFIDENCE = [
    S("float16 regime: exactly 1", ones, 0.25, 0.41, half),
    S("float16 regime: float16 values", half_values, 0.86, 0.97, half),
    S("float32 regime: exactly 1", ones, 0, 0, single),
    S("float32 regime: float16 values", half_values, 0, 0.01, single),
    S("float32 regime: distinct", lambda b: distinct(sure(b)), 0.97, 1, single),
    S("float32 regime: seven digits and more", digits, 0.88, 1, single),
    S("confidence, 1 %", at(0.01, sure), 0.45, 0.6, many),
    S("confidence, 5 %", at(0.05, sure), 0.67, 0.8, many),
    S("confidence, 25 %", at(0.25, sure), 0.965, 0.995, many),
    S("confidence, 50 %", at(0.5, sure), 0.997, 0.9995, many),
    S("confidence, 75 %", at(0.75, sure), 0.9995, 1, many),
    S("distance from the upper median", off_median, 0, 2e-4, whole),
]
SPEAKERS = [
    S("turn, 50 %", at(0.5, speaker_runs), 8, 25, call),
    S("turn, longest", lambda b: max(speaker_runs(b)), 60, 229, call),
    S("short turns", lambda b: share(n <= 4 for n in speaker_runs(b)), 0.15, 0.4, call),
    S("speaker_confidence run, 50 %", at(0.5, certainty_runs), 6, 8, call),
    S("speaker_confidence run, 95 %", at(0.95, certainty_runs), 24, 42, call),
    S("distinct", lambda b: distinct(speaker_sure(b)), 0.07, 0.12, call),
    S("speaker_confidence, lowest", at(0, speaker_sure), 0, 0.1, call),
    S("speaker_confidence, highest", at(1, speaker_sure), 0.85, 0.93, call),
    S(
        "speaker_confidence, nine or ten characters",
        lambda b: share(len(str(value)) in (9, 10) for value in speaker_sure(b)),
        *(0.87, 1),
        call,
    ),
    S("latest: constants", lambda b: len(set(speaker_sure(b))), 1, 2, latest),
]
TEXT = [
    S("sentences per paragraph, most", most_sentences, 5, 5, book),
    S("words per paragraph, 50 %", at(0.5, paragraph_words), 10, 22, book),
    S("words per paragraph, 95 %", at(0.95, paragraph_words), 49, 87, book),
    S("words per sentence, 50 %", at(0.5, sentence_words), 4, 7, book),
    S("words per sentence, 95 %", at(0.95, sentence_words), 19, 25, book),
    S("words per sentence, most", at(1, sentence_words), 26, 42, book),
    S("words per utterance, 50 %", at(0.5, utterance_words), 4, 10, spoken),
    S("words per utterance, 95 %", at(0.95, utterance_words), 16, 38, spoken),
    S("words per utterance, most", at(1, utterance_words), 20, 74, spoken),
    S("utterance's distance from the mean", off_mean, 0, 1e-6, with_utterances),
]
STATISTICS = WIRE_FORM + SIZE_LAW + WORDS + TIME + CONFIDENCE + SPEAKERS + TEXT
