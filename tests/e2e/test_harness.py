"""The harness on small actions: GitHub's documented rules of composite actions, and planted defects that it finds."""

from pathlib import Path

import pytest

from tests.e2e.harness.composite import use
from tests.e2e.harness.language import LanguageError


def action(folder: Path, steps: str, *, rest: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    text = f"name: Small\ndescription: For a test\n{rest}\nruns:\n  using: composite\n  steps:\n"
    (folder / "action.yml").write_text(text + steps, "utf-8")
    return folder


INPUTS = """
inputs:
  who: {description: A name, default: "${{ github.repository }}"}
outputs:
  greeting: {description: It, value: "<${{ steps.greet.outputs.text }}>"}
"""
GREET = """
    - id: greet
      shell: bash
      env: {WHO: "${{ inputs.who }}"}
      run: |
        echo "text=hello $WHO" >> "$GITHUB_OUTPUT"
        echo "## hello" >> "$GITHUB_STEP_SUMMARY"
        echo "::notice file=a.py,line=3::50%25 done%0Aof it"
"""


def test_harness__inputs_outputs_summary_and_annotations(job, tmp_path):
    ran = use(job, action(tmp_path / "a", GREET, rest=INPUTS), given={"who": "x; $(exit 3)"})
    assert ran.outputs == {"greeting": "<hello x; $(exit 3)>"}
    assert ran.summary == "## hello\n"
    [note] = ran.annotations
    assert (note.level, note.file, note.line, note.message) == ("notice", "a.py", "3", "50% done\nof it")


def test_harness__default_is_an_expression_of_the_caller(job, tmp_path):
    ran = use(job, action(tmp_path / "a", GREET, rest=INPUTS))
    assert ran.outputs == {"greeting": "<hello o/r>"}


AFTER_FAILURE = """
    - {id: bad, shell: bash, run: "exit 3"}
    - {id: default, shell: bash, run: "true"}
    - {id: conditional, if: "github.run_id == '7'", shell: bash, run: "true"}
    - {id: always, if: always(), shell: bash, run: "true"}
    - {id: failed, if: failure(), shell: bash, run: "true"}
"""


def test_harness__conditions_after_a_failure(job, tmp_path):
    ran = use(job, action(tmp_path / "a", AFTER_FAILURE))
    assert {step.name: step.outcome for step in ran.steps} == {
        "bad": "failure",
        "default": "skipped",
        "conditional": "skipped",  # GitHub's parser reads it as `success() && (…)`
        "always": "success",
        "failed": "success",
    }
    assert (ran.outcome, job.status) == ("failure", "failure")


TOLERATED = """
    - {id: bad, continue-on-error: true, shell: bash, run: "exit 3"}
    - id: seen
      shell: bash
      env: {SEEN: "${{ steps.bad.outcome }} ${{ steps.bad.conclusion }}"}
      run: echo "$SEEN"
"""


def test_harness__continue_on_error(job, tmp_path):
    ran = use(job, action(tmp_path / "a", TOLERATED))
    assert ran.steps[1].log == "failure success\n"
    assert (ran.outcome, job.status) == ("success", "success")


def test_harness__bash_options_of_github(job, tmp_path):
    steps = "\n    - {id: pipe, shell: bash, run: 'false | true'}\n"
    assert use(job, action(tmp_path / "a", steps)).outcome == "failure"  # -o pipefail


def test_harness__job_status_is_the_callers(job, tmp_path):
    steps = """
    - {id: bad, shell: bash, run: "exit 3"}
    - {id: last, if: always(), shell: bash, env: {S: "${{ job.status }}"}, run: 'echo "$S"'}
"""
    assert use(job, action(tmp_path / "a", steps)).steps[1].log == "success\n"
    assert use(job, tmp_path / "a", condition="always()").steps[1].log == "failure\n"


@pytest.mark.parametrize(("path", "kept"), [(".mlci/out", ["seen.txt"]), (".mlci", [])])
def test_harness__third_party_actions_are_replaced(job, tmp_path, path, kept):
    """A name's own dot hides it, that of the given path among them: @actions/glob 0.7.0."""
    out = job.workspace / ".mlci" / "out"
    out.mkdir(parents=True)
    for name in ("seen.txt", ".unseen"):
        (out / name).write_text("1", "utf-8")
    steps = f"\n    - {{uses: actions/upload-artifact@v7, with: {{name: n, path: {path}}}}}\n"
    ran = use(job, action(tmp_path / "a", steps))
    assert ran.steps[0].name == "actions/upload-artifact@v7 (stand-in)"
    assert [file.name for file in tmp_path.glob("artifacts/7/n/*")] == kept


SLOW = """
    - {{id: work, shell: bash, run: "touch '{started}'; exec sleep 30"}}
    - {{id: next, shell: bash, run: "true"}}
    - {{id: tell, if: always(), shell: bash, env: {{S: "${{{{ job.status }}}}"}}, run: 'echo "$S"'}}
"""


def test_harness__cancelled_run(job, tmp_path):
    started = tmp_path / "started"
    job.stop = started.exists
    ran = use(job, action(tmp_path / "a", SLOW.format(started=started)))
    assert [step.outcome for step in ran.steps] == ["cancelled", "skipped", "success"]
    assert ran.steps[2].log == "cancelled\n"
    assert (ran.outcome, job.status) == ("cancelled", "cancelled")


def test_harness__time_out_of_the_outer_step(job, tmp_path):
    ran = use(job, action(tmp_path / "a", SLOW.format(started=tmp_path / "started")), timeout=0.5)
    assert [step.outcome for step in ran.steps] == ["failure", "skipped", "failure"]
    assert "timed out" in ran.steps[2].log


def test_harness__action_in_a_cancelled_run(job, tmp_path):
    """Inside, `success()` asks about the action's own steps (actions/runner, SuccessFunction.cs)."""
    job.stop = lambda: True
    steps = """
    - {id: ordinary, shell: bash, run: "true"}
    - {id: last, if: cancelled(), shell: bash, run: "true"}
"""
    assert use(job, action(tmp_path / "a", steps)).outcome == "skipped"
    ran = use(job, tmp_path / "a", condition="always()")
    assert [step.outcome for step in ran.steps] == ["success", "success"]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ("\n    - {run: 'true'}\n", "Required property is missing: shell"),
        ("\n    - {shell: bash, run: 'true', if: 'secrets.x'}\n", "Unrecognized named-value: 'secrets'"),
        ("\n    - {shell: bash, run: 'true', env: {A: '${{ inputs.who }'}}\n", "expression is not closed"),
        ("\n    - {shell: bash, run: 'true', timeout-minutes: 3}\n", "Unexpected value 'timeout-minutes'"),
    ],
)
def test_harness__parser_rejects(job, tmp_path, steps, words):
    with pytest.raises(LanguageError, match=words):
        use(job, action(tmp_path / "a", steps))


def test_harness__unknown_input_and_unknown_action(job, tmp_path):
    with pytest.raises(LanguageError, match="has no input whom"):
        use(job, action(tmp_path / "a", GREET, rest=INPUTS), given={"whom": "x"})
    with pytest.raises(LanguageError, match="nothing stands in for"):
        use(job, action(tmp_path / "b", "\n    - {uses: some/action@v1}\n"))


def test_harness__no_input_variables(job, tmp_path):
    """act sets them for composite actions; GitHub does not."""
    steps = "\n    - {id: s, shell: bash, run: 'echo \"[$INPUT_WHO]\"'}\n"
    assert use(job, action(tmp_path / "a", steps, rest=INPUTS), given={"who": "me"}).log == "[]\n"


def test_harness__no_token_in_the_environment(job, tmp_path):
    assert "secret" not in use(job, action(tmp_path / "a", "\n    - {shell: bash, run: env}\n")).log


@pytest.mark.parametrize("line", ["::set-output name=verdict::pass", "\u00a0::set-output name=verdict::pass"])
def test_harness__raw_line_of_a_child_sets_an_output(job, tmp_path, line):
    """The runner executes it, so the harness must, or no test would notice a log that is printed raw."""
    steps = f"\n    - {{id: s, shell: bash, env: {{L: '{line}'}}, run: 'printf \"%s\\n\" \"$L\"'}}\n"
    rest = "outputs:\n  verdict: {description: It, value: '${{ steps.s.outputs.verdict }}'}"
    assert use(job, action(tmp_path / "a", steps, rest=rest)).outputs == {"verdict": "pass"}


def test_harness__broken_output_file(job, tmp_path):
    steps = "\n    - {shell: bash, run: 'echo no-equals-sign >> \"$GITHUB_OUTPUT\"'}\n"
    assert use(job, action(tmp_path / "a", steps)).outcome == "failure"
    job.status = "success"
    steps = '\n    - {shell: bash, run: \'printf "a<<E\\nx\\n" >> "$GITHUB_OUTPUT"\'}\n'
    assert use(job, action(tmp_path / "a", steps)).outcome == "failure"


def test_harness__variables_of_the_machine_are_not_in_expressions(job, tmp_path):
    steps = "\n    - {id: s, shell: bash, env: {P: '<${{ env.PATH }}>'}, run: 'echo \"$P\"'}\n"
    assert use(job, action(tmp_path / "a", steps)).log == "<>\n"
