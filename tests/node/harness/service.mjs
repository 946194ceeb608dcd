// A line of JSON in, a line of JSON out: {"parse": path} or
// {"evaluate": expression, "contexts": {…}, "holding": ["success"]}.
import { createInterface } from "node:readline";
import { evaluate } from "./evaluate.mjs";
import { parse } from "./parse.mjs";

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(answer(JSON.parse(line))));
}

function answer(question) {
  try {
    return question.parse ? parse(question.parse) : evaluate(question.evaluate, question.contexts, question.holding);
  } catch (error) {
    return { failed: String(error.message ?? error) };
  }
}
