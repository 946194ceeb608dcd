"""Answers that are only a sign of an outage, and answers that mention one."""

import json

import pytest

from mlci.scores.outages import outage_reason


@pytest.mark.parametrize(
    "answer",
    [
        "429 Too Many Requests",
        "Error: 429 Too Many Requests",
        "HTTP 503 Service Unavailable.",
        "HTTP/1.1 502 Bad Gateway",
        "Rate limit exceeded. Please try again in 20s.",
        "Rate limit reached for gpt-4o in organization org-abc on tokens per min (TPM): Limit 30000, Used 29000.",
        "openai.RateLimitError: Error code: 429 - {'error': {'message': 'slow down'}}",
        "You exceeded your current quota, please check your plan and billing details.",
        "Request timed out.",
        "TimeoutError: request timed out",
        "Gateway time-out",
        "500 Internal Server Error",
        '{"error": {"message": "Overloaded", "type": "overloaded_error"}}',
        "  (connection reset by peer)  ",
    ],
)
def test_outage_reason__only_a_message(answer):
    assert "only an error message" in outage_reason(answer)


@pytest.mark.parametrize(
    "answer",
    [
        "429",
        "The answer is 429.",
        "HTTP 429 means that a client sent too many requests.",
        "A rate limit exceeded error is returned if a client sends too many requests.",
        "The train was late because the request timed out at the signal box",
        "500",
        "Overloaded trucks damage roads.",
        '{"answer": 429}',
        '{"error": "no such city"}',
        "{not json",
        "error",
        "I can't help with that.",
        "Error code: 429 is sent where a client asks too often.",
        "x" * 5_000,
    ],
)
def test_outage_reason__an_answer(answer):
    assert outage_reason(answer) is None
    assert outage_reason(answer, output_tokens=0) is None


def test_outage_reason__item_that_asks_for_the_message():
    assert outage_reason("Too many requests", target="429 Too Many Requests") is None
    assert outage_reason("Too many requests", target="Not Found") is not None


@pytest.mark.parametrize("answer", ["", " \n", None])
def test_outage_reason__empty_answer_without_tokens(answer):
    assert outage_reason(answer, output_tokens=0) == "empty answer with zero output tokens"
    assert outage_reason(answer, output_tokens=3) is None
    assert outage_reason(answer) is None


def test_outage_reason__long_message_is_shortened():
    message = json.dumps({"error": {"message": "rate limit " + "x" * 300}})
    assert len(outage_reason(message)) < 130
