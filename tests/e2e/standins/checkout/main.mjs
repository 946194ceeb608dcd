// What a workflow can see of actions/checkout: one commit, its files, no more history than was asked for.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";

const input = (name) => process.env[`INPUT_${name.toUpperCase()}`] ?? "";
const folder = resolve(process.env.GITHUB_WORKSPACE, input("path"));
const ref = input("ref") || process.env.GITHUB_SHA;
const depth = Number(input("fetch-depth"));
mkdirSync(folder, { recursive: true });
const git = (...words) => execFileSync("git", words, { cwd: folder, stdio: "inherit" });

git("init", "--quiet", "--initial-branch", "main");
git("remote", "add", "origin", process.env.E2E_REMOTE);
const all = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];
git("fetch", "--quiet", "--no-tags", ...(depth ? [`--depth=${depth}`] : []), "origin", ref, ...(depth ? [] : all));
git("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD");
console.log(`stand-in for actions/checkout: ${ref}, depth ${depth || "all"}`);
