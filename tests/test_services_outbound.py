"""The port for any host: requests reach the service that the Host header names."""

from __future__ import annotations

import httpx
import pytest

from bench import fixture_set

LLM = {
    "model": "claude-3-5-haiku-20241022",
    "max_tokens": 16,
    "stream": True,
    "messages": [{"role": "user", "content": "hello"}],
}
EMBEDDING = {"model": "text-embedding-3-small", "input": "hello"}


@pytest.fixture
def ask(services):
    """POST to a path of a host, over the outbound port."""
    services.reset()

    def run(host, path, value, **headers):
        return httpx.post(
            services.outbound + path, json=value, headers={"host": host, **headers}
        )

    yield run
    services.reset()


def messages(ask):
    key = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    return ask("api.anthropic.com", "/v1/messages", LLM, **key)


def test_a_host_reaches_its_service(ask):
    assert messages(ask).content == fixture_set.read("anthropic.sse")


def test_two_services_of_one_host_are_told_apart_by_the_path(ask):
    key = {"authorization": "Bearer k"}
    embedded = ask("api.openai.com", "/v1/embeddings", EMBEDDING, **key)
    assert len(embedded.json()["data"][0]["embedding"]) == 1536
    chat = {"model": "gpt-5-nano", "messages": LLM["messages"]}
    said = ask("api.openai.com", "/v1/chat/completions", chat, **key)
    assert said.json()["object"] == "chat.completion"


def test_a_port_in_the_host_does_not_matter(ask):
    key = {"authorization": "Bearer k"}
    reply = ask("api.openai.com:443", "/v1/embeddings", EMBEDDING, **key)
    assert reply.status_code == 200


def test_an_unknown_host_is_404(ask):
    reply = ask("example.com", "/", {})
    assert reply.status_code == 404
    assert "example.com" in reply.json()["error"]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("refused", httpx.RemoteProtocolError),
        ("reset", httpx.RemoteProtocolError),
        ("cut", httpx.RemoteProtocolError),
    ],
)
def test_a_service_s_faults_break_the_connection_here_too(ask, services, kind, error):
    services.fault("anthropic", kind)
    with pytest.raises((error, httpx.ReadError)):
        messages(ask)
    services.clear_faults()
    assert messages(ask).status_code == 200


def test_a_fault_of_one_service_leaves_the_others_alone(ask, services):
    services.fault("anthropic", "5xx")
    assert messages(ask).status_code == 503
    key = {"authorization": "Bearer k"}
    assert ask("api.openai.com", "/v1/embeddings", EMBEDDING, **key).is_success
    assert services.stats()["anthropic"]["faults"] == {"5xx": 1}
