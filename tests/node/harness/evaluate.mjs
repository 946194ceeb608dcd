// Evaluates one expression with GitHub's own lexer, parser and evaluator.
import { Evaluator, Lexer, Parser, data } from "@actions/expressions";
import { truthy } from "@actions/expressions/result";

const STATUS = ["always", "success", "failure", "cancelled"];

export function evaluate(expression, contexts, holding) {
  const functions = STATUS.map((name) => ({
    name,
    minArgs: 0,
    maxArgs: 0,
    call: () => new data.BooleanData(name === "always" || holding.includes(name)),
  }));
  const tokens = new Lexer(expression).lex().tokens;
  const tree = new Parser(tokens, Object.keys(contexts), functions).parse();
  const table = new Map(functions.map((definition) => [definition.name, definition]));
  const result = new Evaluator(tree, toData(contexts), table).evaluate();
  return { text: result.coerceString(), truthy: truthy(result) };
}

function toData(value) {
  return JSON.parse(JSON.stringify(value), data.reviver);
}
