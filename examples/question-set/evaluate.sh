#!/bin/sh
# Writes logs/NAME: pip install lm_eval==0.4.13, then `sh evaluate.sh NAME` here. The seed decides what the dummy draws.
set -eu
export HF_HUB_OFFLINE=1 HF_DATASETS_OFFLINE=1 HF_HOME="$PWD/cache"
lm_eval --model dummy --include_path tasks --tasks questions --log_samples --output_path out --seed 1
rm -rf "logs/$1" && mkdir -p "logs/$1"
find out -name '*.json*' -exec mv {} "logs/$1" \;
rm -rf out cache
