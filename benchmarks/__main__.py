"""Run every benchmark in turn; the exit status is the worst of theirs."""

import importlib.util
import subprocess
import sys

MODULES = (
    "benchmarks.characteristics",
    "benchmarks.cost",
    "benchmarks.functions",
    "benchmarks.planning",
    "benchmarks.report_page",
    "benchmarks.many_groups",
    "benchmarks.clustered_rows",
    "benchmarks.large_tables",
    "benchmarks.spark",
    "benchmarks.setup",
    "benchmarks.rankings",
    "benchmarks.registry",
    "benchmarks.sealed",
    "benchmarks.monitoring",
    "benchmarks.experiment",
    "benchmarks.scored_items",
    "benchmarks.scored_items.corrected",
    "benchmarks.reuse",
    "benchmarks.slice_search",
    "benchmarks.group_disparities",
)


def main(arguments: list[str]) -> int:
    """Run each module in a separate process, so that none affects the next."""
    worst = 0
    for module in MODULES:
        if importlib.util.find_spec(module) is None:
            print(f"{module} is not here; skipped")
            continue
        print(f"\n# {module}\n", flush=True)
        worst = max(worst, subprocess.run([sys.executable, "-m", module, *arguments], check=False).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
