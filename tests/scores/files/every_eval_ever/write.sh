#!/bin/sh
# Writes the logs in this folder: pip install lm-eval==0.4.13 every-eval-ever==0.3.0, then `sh write.sh` here.
set -eu
cp -r ../lm_eval/tasks ../lm_eval/*.jsonl .
export HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 HF_HOME="$PWD/cache"
"${LM_EVAL_PYTHON:-python}" -m lm_eval --model dummy --model_args pretrained=acme/dummy --include_path tasks \
    --tasks sums,choice --log_samples --output_path out --seed 1
for one in sums choice; do mv out/*/samples_"$one"_*.jsonl out/ ; done
mv out/*/results_*.json out/
every_eval_ever convert lm_eval --log_path out --include_samples --output_dir data
find data -name '*.jsonl' -exec mv {} . \;
rm -rf out cache data tasks sums.jsonl choice.jsonl samples_*
