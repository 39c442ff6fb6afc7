"""Sessions, conversations, corpus and the prose in them."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.fixtures import _prose, conversation, corpus, sessions
from bench.fixtures._phrases import LISTS, TENANTS, TOPICS
from bench.fixtures._random import Source


def chunks(seed: int = 1, **options) -> list[dict]:
    lines = corpus.generate(seed, **options).decode().split("\n")
    assert lines.pop() == ""
    return [json.loads(line) for line in lines]


def test_corpus_holds_enough_of_every_tenant():
    found = chunks()
    assert len(found) >= 200
    assert len({chunk["id"] for chunk in found}) == len(found)
    counts = Counter(chunk["tenantId"] for chunk in found)
    assert set(counts) == set(TENANTS)
    assert min(counts.values()) >= 60


def test_chunks_have_the_shape_of_stored_passages():
    for chunk in chunks():
        assert list(chunk) == [
            *("id", "tenantId", "source", "title", "createdAt", "weight", "content")
        ]
        assert 400 <= len(chunk["content"]) <= 2_000
        assert 0.5 <= chunk["weight"] <= 1.5
        assert 1_704_067_200 <= chunk["createdAt"] < 1_790_467_200


def test_corpus_varies_in_topic_length_and_script():
    found = chunks()
    assert len({chunk["source"] for chunk in found}) == len(TOPICS)
    assert len({chunk["content"] for chunk in found}) == len(found)
    lengths = sorted(len(chunk["content"]) for chunk in found)
    assert lengths[10] < 700
    assert lengths[-10] > 1_500
    beyond = sum(not chunk["content"].isascii() for chunk in found)
    assert len(found) / 4 < beyond


def test_chunks_of_one_topic_share_more_words_than_others():
    """Without this, retrieval over the corpus would be a lottery."""
    found = chunks()
    words = [set(re.findall(r"\w{4,}", chunk["content"].lower())) for chunk in found]

    def overlap(same: bool) -> float:
        shares = [
            len(words[i] & words[j]) / len(words[i] | words[j])
            for i in range(80)
            for j in range(i)
            if (found[i]["source"] == found[j]["source"]) is same
        ]
        return sum(shares) / len(shares)

    assert overlap(same=True) > 1.2 * overlap(same=False)


@given(seed=st.integers(0, 2**32), chars=st.integers(260, 3000))
def test_prose_is_whole_sentences_within_the_length(seed, chars):
    source = Source(seed, "test")
    about = _prose.topic(source)
    text = _prose.rules(source, about, chars)
    assert len(text) <= chars
    assert "{" not in text
    assert text[-1] == "."
    for paragraph in text.split("\n\n"):
        assert paragraph[0].isupper()
        assert "  " not in paragraph
        assert not re.search(r"\b[Aa] [aeiou]", paragraph)


@given(seed=st.integers(0, 2**32), chars=st.integers(0, 3000))
def test_answers_keep_to_the_wanted_length(seed, chars):
    source = Source(seed, "test")
    text = _prose.answer(source, _prose.topic(source), chars)
    assert len(text) <= max(chars + 200, 400)
    assert not text.isascii()
    assert "{" not in text


def test_every_list_is_used_by_some_template():
    """A list that no template draws from would be dead text."""
    source = Source(1, "test")
    text = "".join(
        _prose.rules(source, about, 9000)
        + _prose.answer(source, about, 4000)
        + "".join(_prose.question(source, about) for _ in range(50))
        for about in TOPICS
    )
    for name, words in LISTS.items():
        assert any(word in text or word.capitalize() in text for word in words), name


@given(tokens=st.integers(1, 30_000), seed=st.integers(0, 2**32))
def test_conversation_has_the_wanted_number_of_tokens(tokens, seed):
    tree = json.loads(conversation.generate(seed, tokens=tokens))
    total = sum(message["tokenCount"] for message in tree["messages"])
    assert tokens <= total <= tokens + 300


def test_default_conversation_needs_a_summary():
    """The request path summarises beyond 8,000 tokens."""
    tree = json.loads(conversation.generate(1))
    assert sum(message["tokenCount"] for message in tree["messages"]) > 8_800


@pytest.mark.parametrize("tokens", [200, 9_000, 100_000])
def test_shape_of_a_conversation(tokens):
    tree = json.loads(conversation.generate(2, tokens=tokens))
    assert list(tree) == [
        *("id", "tenantId", "createdAt", "updatedAt", "summary", "messages")
    ]
    assert tree["summary"] is None
    messages = tree["messages"]
    assert len({message["id"] for message in messages}) == len(messages)
    roles = [message["role"] for message in messages]
    assert roles == ["user", "assistant"] * (len(messages) // 2)
    times = [message["createdAt"] for message in messages]
    assert times == sorted(times)
    assert tree["createdAt"] < times[0]
    assert times[-1] == tree["updatedAt"]
    for message in messages:
        size = len(message["content"].encode())
        assert message["tokenCount"] == (size + 3) // 4
        assert list(message) == ["id", "role", "content", "createdAt", "tokenCount"]


def test_messages_are_of_realistic_size():
    """Questions of a line, answers of a paragraph or more, some pasted passages."""
    messages = json.loads(conversation.generate(3, tokens=60_000))["messages"]
    asked = sorted(m["tokenCount"] for m in messages if m["role"] == "user")
    answered = sorted(m["tokenCount"] for m in messages if m["role"] == "assistant")
    assert 10 < asked[len(asked) // 2] < 40
    assert asked[-1] > 200
    assert 100 < answered[len(answered) // 2] < 250
    assert answered[-1] > 400


@pytest.mark.parametrize(("text", "tokens"), [("", 1), ("abcd", 1), ("abcde", 2)])
def test_token_estimate(text, tokens):
    assert conversation.estimate_tokens(text) == tokens
    assert conversation.estimate_tokens("é" * 4) == 2


def test_sessions_cover_all_tenants_and_some_have_ended():
    found = json.loads(sessions.generate(1))
    now = 1_800_000_000
    live = [value for value in found.values() if value["expiresAt"] > now]
    assert len(found) == 24
    assert len(live) == 21
    assert {value["tenantId"] for value in live} == set(TENANTS)
    first = next(iter(found.values()))
    assert first in live
    assert list(first) == ["tenantId", "userId", "expiresAt"]
    assert all(re.fullmatch(r"sess_[0-9a-f]{40}", token) for token in found)
