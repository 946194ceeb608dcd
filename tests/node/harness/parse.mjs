// Reads an action.yml with GitHub's own parser: its schema, its rules about where which context may stand.
// A scalar becomes {text} or {expression}; the parser has already turned "a-${{ b }}" into format('a-{0}', b).
import { readFileSync } from "node:fs";
import { parseAction } from "@actions/workflow-parser/actions/action-parser";
import { convertToIfCondition } from "@actions/workflow-parser/model/converter/if-condition";
import { NoOperationTraceWriter } from "@actions/workflow-parser/templates/trace-writer";

export function parse(path) {
  const file = { name: path, content: readFileSync(path, "utf8") };
  const { context, value } = parseAction(file, new NoOperationTraceWriter());
  const action = value && context.errors.getErrors().length === 0 ? describe(context, value) : null;
  return { errors: context.errors.getErrors().map((error) => error.message), action };
}

function describe(context, root) {
  const runs = entries(entries(root).runs);
  return {
    name: String(scalar(entries(root).name).text),
    inputs: each(entries(root).inputs, (input) => ({
      required: scalar(input.required)?.text === "true",
      default: scalar(input.default),
    })),
    outputs: each(entries(root).outputs, (output) => scalar(output.value)),
    using: runs.using.value,
    main: runs.main?.value ?? null,
    steps: runs.steps ? [...runs.steps].map((step) => describeStep(context, entries(step))) : [],
  };
}

function describeStep(context, step) {
  return {
    id: step.id?.value ?? null,
    name: scalar(step.name),
    uses: step.uses?.value ?? null,
    run: scalar(step.run),
    shell: scalar(step.shell),
    folder: scalar(step["working-directory"]),
    env: each(step.env, null),
    with: each(step.with, null),
    // GitHub's rule: a condition that names no status function is `success() && (…)`.
    if: step.if ? convertToIfCondition(context, step.if)?.expression : "success()",
    continueOnError: scalar(step["continue-on-error"]) ?? { text: "false" },
  };
}

function entries(token) {
  return token ? Object.fromEntries([...token].map(({ key, value }) => [key.value, value])) : {};
}

function each(token, describeOne) {
  const pairs = Object.entries(entries(token));
  return Object.fromEntries(pairs.map(([key, value]) => [key, describeOne ? describeOne(entries(value)) : scalar(value)]));
}

function scalar(token) {
  if (!token) return null;
  return token.isExpression ? { expression: token.expression } : { text: token.toString() };
}
