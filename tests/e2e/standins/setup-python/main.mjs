// `python` and `pip` are on PATH afterwards, and belong to no system.
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const asked = process.env["INPUT_PYTHON-VERSION"] || "any";
const folder = join(process.env.HOME, "setup-python");
make(folder);
const found = execFileSync(join(folder, "bin", "python"), ["--version"], { encoding: "utf8" }).trim();
appendFileSync(process.env.GITHUB_PATH, join(folder, "bin") + "\n");
appendFileSync(process.env.GITHUB_OUTPUT, `python-version=${found.replace("Python ", "")}\n`);
console.log(`stand-in for actions/setup-python: ${asked} was asked for, ${found} is here`);

// Jobs of a matrix come at the same time: the first makes the environment, the others wait until it is complete.
function make(folder) {
  try {
    mkdirSync(`${folder}.begun`);
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    while (!existsSync(`${folder}.done`)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    return;
  }
  execFileSync("python3", ["-m", "venv", folder]);
  writeFileSync(`${folder}.done`, "");
}
