// Prints, as a JSON list of lines, what GitHub's language service has to say about actions and workflows.
// Usage: node --import ./json.mjs validate.mjs TREE FILE...
import { validate } from "@actions/languageservice";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { TextDocument } from "vscode-languageserver-textdocument";
import { parse } from "yaml";

const [tree, ...names] = process.argv.slice(2);
const pins = JSON.parse(await readFile(join(tree, ".github/pins.json"), "utf8"));
const named = (list) => Object.fromEntries((list ?? []).map((name) => [name, { description: name }]));

// Our own actions are described by themselves, GitHub's by the list of pins; nothing else exists.
async function fetchActionMetadata({ owner, name, path }) {
  const pin = pins[`${owner}/${name}`];
  if (!pin) return undefined;
  if (pin.inputs) return { name, description: name, inputs: named(pin.inputs), outputs: named(pin.outputs) };
  return parse(await readFile(join(tree, path ?? "", "action.yml"), "utf8"));
}

const fileProvider = {
  async getFileContent(reference) {
    return { name: reference.path, content: await readFile(join(tree, reference.path), "utf8") };
  },
};

const lines = [];
for (const name of names) {
  const text = await readFile(join(tree, name), "utf8");
  const document = TextDocument.create(`file:///${name}`, "yaml", 1, text);
  const found = await validate(document, { actionsMetadataProvider: { fetchActionMetadata }, fileProvider });
  for (const { message, range } of found) lines.push(`${name}:${range.start.line + 1}: ${message}`);
}
console.log(JSON.stringify(lines));
