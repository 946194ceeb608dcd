// What a workflow can see of actions/upload-artifact. The rule about hidden files is that of @actions/glob with
// excludeHiddenFiles, which the action uses: no entry whose own name starts with a dot, the given path among them,
// while the folders above the given path do not matter.
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";

const input = (name) => process.env[`INPUT_${name.toUpperCase()}`] ?? "";
const hidden = input("include-hidden-files") === "true";
const workspace = process.env.GITHUB_WORKSPACE;
const patterns = input("path").split("\n").map((line) => line.trim()).filter(Boolean);
if (patterns.some((pattern) => /[*?[!]/.test(pattern))) fail("the stand-in knows no patterns; name files and folders");

function* files(path) {
  if (!existsSync(path) || (!hidden && basename(path).startsWith("."))) return;
  if (!statSync(path).isDirectory()) yield path;
  else for (const name of readdirSync(path)) yield* files(join(path, name));
}

function fail(message) {
  console.log(`::error::${message}`);
  process.exit(1);
}

const roots = patterns.map((pattern) => resolve(workspace, pattern));
const found = roots.flatMap((root) => [...files(root)]);
const name = input("name");
if (found.length === 0) {
  const message = `No files were found with the provided path: ${input("path")}. No artifacts will be uploaded.`;
  if (input("if-no-files-found") === "error") fail(message);
  if (input("if-no-files-found") === "warn") console.log(`::warning::${message}`);
  process.exit(0);
}
const target = join(process.env.E2E_ARTIFACTS, process.env.GITHUB_RUN_ID, name);
if (existsSync(target)) {
  if (input("overwrite") !== "true") fail(`(409) Conflict: an artifact with this name already exists: ${name}`);
  rmSync(target, { recursive: true });
}
const single = roots.length === 1 && statSync(roots[0]).isDirectory();
const base = single ? roots[0] : dirname(common(roots));
for (const path of found) {
  mkdirSync(dirname(join(target, relative(base, path))), { recursive: true });
  cpSync(path, join(target, relative(base, path)));
}
// Ids are never given twice, whoever uploads at the same time; an artifact that takes another's place has a new one.
const ids = join(process.env.E2E_ARTIFACTS, "ids");
mkdirSync(ids, { recursive: true });
let id = 7001 + readdirSync(ids).length;
while (!claimed(id)) id += 1;
const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = process.env;
const url = `${server}/${repository}/actions/runs/${run}/artifacts/${id}`; // as its README has it
appendFileSync(process.env.GITHUB_OUTPUT, `artifact-id=${id}\nartifact-url=${url}\n`);
console.log(`stand-in for actions/upload-artifact: ${name}, ${found.length} files`);

function claimed(number) {
  try {
    writeFileSync(join(ids, String(number)), join(process.env.GITHUB_RUN_ID, name), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

function common(paths) {
  const [first, ...rest] = paths;
  if (rest.length === 0) return first;
  let folder = dirname(first);
  while (!rest.every((path) => path.startsWith(folder + "/"))) folder = dirname(folder);
  return join(folder, "x");
}
