"""Logs of steps: plain, in GitHub's groups, and on a terminal."""

import io
import re

from mlci.events.step_logs import ActionsLog, PlainLog, TerminalLog
from tests.support.recording import runner, step


def render_log(log_type, tmp_path, command="echo one; echo '::error::two'", **more):
    stream = io.StringIO()
    runner(log_type(stream, **more)).run(step(command, tmp_path))
    return re.sub(r"\d+\.\d s", "0.0 s", stream.getvalue())


def test_plain_log__heading_lines_and_time(tmp_path):
    assert render_log(PlainLog, tmp_path) == (
        "── train: echo one; echo '::error::two'\none\n: :error::two\n── train: ended well after 0.0 s\n"
    )


def test_actions_log__group_with_the_time_outside(tmp_path):
    assert render_log(ActionsLog, tmp_path, "echo 100%\necho two") == (
        "::group::train: echo 100%25 ⏎ echo two\n100%\ntwo\n::endgroup::\n── train: ended well after 0.0 s\n"
    )


def test_terminal_log__one_live_line():
    stream = io.StringIO()
    log = TerminalLog(stream, width=20)
    log.start(name="train", command="python train.py --with many options")
    log.line("epoch 1")
    log.tick(seconds=61.4, last="epoch 1")
    log.end(seconds=125, outcome="ended well")
    assert stream.getvalue() == (
        "\r\x1b[Ktrain: python trai…\r\x1b[Ktrain · 61 s · epo…\r\x1b[Ktrain: ended well after 2 min 5 s\n"
    )


def test_terminal_log__verbose():
    stream = io.StringIO()
    log = TerminalLog(stream, verbose=True)
    log.start(name="train", command="x")
    log.line("epoch 1")
    assert stream.getvalue().endswith("\r\x1b[Kepoch 1\n")


def test_plain_log__line_after_a_minute_of_silence():
    stream = io.StringIO()
    log = PlainLog(stream)
    log.start(name="train", command="x")
    for second in range(1, 200):
        if second == 70:
            log.line("spoke")
        log.tick(seconds=second, last="spoke" if second >= 70 else "")
    assert stream.getvalue().splitlines()[1:] == [
        "… train is still running after 60 s",
        "spoke",
        "… train is still running after 2 min 10 s: spoke",
        "… train is still running after 3 min 10 s: spoke",
    ]


def test_plain_log__ascii_stream():
    raw = io.BytesIO()
    log = PlainLog(io.TextIOWrapper(raw, "ascii"))
    log.line("größe")
    assert raw.getvalue() == b"gr\\xf6\\xdfe\n"
