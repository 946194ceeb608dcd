// What a workflow can see of actions/download-artifact: one artifact by its name or its id, or several by a pattern.
import { appendFileSync, cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const input = (name) => process.env[`INPUT_${name.toUpperCase()}`] ?? "";
const id = input("artifact-ids");
const known = join(process.env.E2E_ARTIFACTS, "ids", id);
const named = id ? (existsSync(known) ? readFileSync(known, "utf8") : "none") : join(input("run-id"), input("name"));
if (input("pattern")) {
  const [start, end] = input("pattern").split("*");
  const folder = join(process.env.E2E_ARTIFACTS, input("run-id"));
  const all = existsSync(folder) ? readdirSync(folder) : [];
  const found = all.filter((name) => name.startsWith(start) && name.endsWith(end ?? "")); // none is not an error
  found.forEach((name) => cpSync(join(folder, name), resolve(process.env.GITHUB_WORKSPACE, input("path"), name), { recursive: true }));
  console.log(`stand-in for actions/download-artifact: ${found.length} artifacts`);
  process.exit(0);
}
const source = join(process.env.E2E_ARTIFACTS, named);
const target = resolve(process.env.GITHUB_WORKSPACE, input("path"));
if (!(id || input("name")) || !existsSync(source)) {
  console.log(`::error::Unable to download artifact(s): Artifact not found: ${id || input("name")}`);
  process.exit(1);
}
cpSync(source, target, { recursive: true });
appendFileSync(process.env.GITHUB_OUTPUT, `download-path=${target}\n`);
console.log(`stand-in for actions/download-artifact: ${named}`);
