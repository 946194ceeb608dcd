// What a workflow can see of actions/download-artifact for one artifact, by its name or its id.
import { appendFileSync, cpSync, existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const input = (name) => process.env[`INPUT_${name.toUpperCase()}`] ?? "";
const id = input("artifact-ids");
const known = join(process.env.E2E_ARTIFACTS, "ids", id);
const named = id ? (existsSync(known) ? readFileSync(known, "utf8") : "none") : join(input("run-id"), input("name"));
const source = join(process.env.E2E_ARTIFACTS, named);
const target = resolve(process.env.GITHUB_WORKSPACE, input("path"));
if (!(id || input("name")) || !existsSync(source)) {
  console.log(`::error::Unable to download artifact(s): Artifact not found: ${id || input("name")}`);
  process.exit(1);
}
cpSync(source, target, { recursive: true });
appendFileSync(process.env.GITHUB_OUTPUT, `download-path=${target}\n`);
console.log(`stand-in for actions/download-artifact: ${named}`);
