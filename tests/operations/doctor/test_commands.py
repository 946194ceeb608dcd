import pytest

from mlci.operations.doctor.commands import find_missing, read_commands

HERE = {"train.py", "src", "src/train.py", "bin/fit.sh"}


def missing(script, *, programs=("python", "uv", "make", "grep"), files=()):
    found = find_missing("train", script, exists=HERE.__contains__, on_path=set(programs).__contains__, files=files)
    return [one.name for one in found]


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("python train.py", []),
        ("python trian.py", ["trian.py"]),
        ("python -u -W ignore trian.py --epochs 3 > log.txt 2>&1", ["trian.py"]),
        ("python3.12 trian.py", ["trian.py", "python3.12"]),
        ("uv run python trian.py", ["trian.py"]),
        ("SEED=1 python trian.py", ["trian.py"]),
        ("cd src && python train.py", []),
        ("cd src && python fit.py", ["src/fit.py"]),
        ("(cd src && python train.py)\npython train.py", []),
        ("cd $HOME && python fit.py", []),
        ("python -m src.train", []),
        ("python -m src.fit", ["src/fit.py"]),
        ("python -m torch.distributed.run train.py", []),
        ("python -c 'import fit' x.py", []),
        ("python - < fit.py", []),
        ("python $SCRIPT", []),
        ("python train.py || python fit.py; python train.py", ["fit.py"]),
        ("python train.py \\\n  --rate 0.1\n# python gone.py\npython fit.py  # not there", ["fit.py"]),
        ("if true; then python fit.py; fi", ["fit.py"]),
        ("for seed in 1 2; do python train.py $seed; done", []),
        ("curl -o fit.py host/fit.py\npython fit.py", ["curl"]),
        ("python -m venv e\n. e/bin/activate\npytest gone.py", []),
        ("python - <<EOF\nimport gone\nEOF", []),
        ("build() { python train.py; }\nbuild", []),
        ("jupyter nbconvert --to notebook --execute fit.ipynb", ["fit.ipynb", "jupyter"]),
        ("./bin/fit.sh && ./bin/gone.sh", ["./bin/gone.sh"]),
        ("grep 'it''s", []),
    ],
)
def test_find_missing__script(script, names):
    assert missing(script) == names


def test_find_missing__file_elsewhere():
    (found,) = find_missing(
        "predict", "\npython fit.py", exists=lambda _: False, on_path=bool, files=["model/fit.py", "a.py"]
    )
    assert (found.section, found.similar, found.line) == ("predict", ("model/fit.py",), 1)


def test_read_commands__lines():
    found = read_commands("cd a\npython x.py && \\\n python y.py\n\npython z.py")
    assert [(one.folder, one.file, one.line) for one in found] == [("a", "x.py", 1), ("a", "y.py", 1), ("a", "z.py", 4)]
