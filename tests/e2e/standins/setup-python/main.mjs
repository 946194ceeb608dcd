// `python` and `pip` are on PATH afterwards, and belong to no system.
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync } from "node:fs";
import { join } from "node:path";

const asked = process.env["INPUT_PYTHON-VERSION"] || "any";
const folder = join(process.env.HOME, "setup-python");
if (!existsSync(folder)) execFileSync("python3", ["-m", "venv", folder]);
const found = execFileSync(join(folder, "bin", "python"), ["--version"], { encoding: "utf8" }).trim();
appendFileSync(process.env.GITHUB_PATH, join(folder, "bin") + "\n");
appendFileSync(process.env.GITHUB_OUTPUT, `python-version=${found.replace("Python ", "")}\n`);
console.log(`stand-in for actions/setup-python: ${asked} was asked for, ${found} is here`);
