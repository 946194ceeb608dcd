#!/bin/sh
# Writes the logs in this folder: pip install lm-eval, then `sh write.sh` here.
set -eu
python - <<'PYTHON'
import json
with open("sums.jsonl", "w") as out:
    for i in range(8):
        out.write(json.dumps({"question": f"What is {i} plus {i}? lol", "answer": str(2 * i), "topic": {"name": "even" if i % 2 == 0 else "odd"}}) + "\n")
with open("choice.jsonl", "w") as out:
    for i in range(10):
        out.write(json.dumps({"question": f"Is {i} even?", "label": i % 2}) + "\n")
PYTHON
export HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 HF_HOME="$PWD/cache"
python -m lm_eval --model dummy --include_path tasks --tasks sums,choice --log_samples --output_path out --seed 1
find out -name '*.json*' -exec mv {} . \;
rm -rf out cache
