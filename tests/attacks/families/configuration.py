"""Configuration and waivers: a ``mlci.yml`` that means something else than it says, or costs more than it may."""

from functools import partial

from tests.attacks.attack import Attack
from tests.attacks.scene import CANARY, Scene
from tests.support.project import small_files

FILES = small_files()
CONFIG = FILES["mlci.yml"]
LIMIT = "max_drop: 0.05"


def _run(scene: Scene, *, config: str | bytes, name: str = "mlci.yml") -> None:
    """A candidate that is worse, and a configuration of the attacker."""
    for file, text in FILES.items():
        scene.plant(file, text)
    scene.plant(name, config)
    scene.mlci("run", "--config", name)


def _swap(old: str, new: str) -> partial:
    assert old in CONFIG, old
    return partial(_run, config=CONFIG.replace(old, new))


def _device(scene: Scene) -> None:
    (scene.work / "mlci.yml").symlink_to("/dev/zero")
    scene.mlci("run")


def _file_outside(scene: Scene) -> None:
    """The configuration is another user's file; a message must not quote it."""
    (scene.work / "mlci.yml").symlink_to(scene.victim)
    scene.mlci("run")


DEEP = "[" * 300
ATTACKS = (
    Attack("second limit under the same name", "unique keys", _swap(LIMIT, f"{LIMIT}, max_drop: 0.9"), "twice|duplicate|already"),
    Attack("second list of gates", "unique keys", partial(_run, config=f"{CONFIG}gates:\n  - {{metric: accuracy, min: 0}}\n"), "twice|duplicate|already"),
    Attack("limit that is NaN", "finite limits", _swap(LIMIT, "max_drop: .nan"), "finite number"),
    Attack("limit that is infinite", "finite limits", _swap(LIMIT, "max_drop: .inf"), "finite number"),
    Attack("limit that overflows", "finite limits", _swap(LIMIT, "max_drop: 1e999"), "finite number"),
    Attack("limit that no model misses", "limits in range", _swap(LIMIT, "max_drop: 1.5"), "max_drop"),
    Attack("limit as text", "checked form", _swap(LIMIT, "max_drop: '0.9'"), "without quotes"),
    Attack("misspelt limit", "known keys", _swap(LIMIT, "max_drops: 0.9"), "unknown key"),
    Attack("unknown section", "known keys", partial(_run, config=f"{CONFIG}waivers: [accuracy]\n"), "unknown key"),
    Attack("no gates", "checked form", partial(_run, config=CONFIG.partition("gates:")[0] + "gates: []\n"), "at least one"),
    Attack("merge key", "no aliases", _swap(f"{{metric: accuracy, {LIMIT}}}", "{<<: *all, metric: accuracy}"), "alias|<<"),
    Attack("alias", "no aliases", _swap("key: id", "key: *id"), "aliases are not read"),
    Attack("bomb of aliases", "no aliases", partial(_run, config="a: &a [x, x]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20))), "alias|anchor"),
    Attack("tag of a Python object", "no tags", _swap("key: id", "key: !!python/object/apply:os.system [touch x]"), "tag"),
    Attack("directive", "no directives", partial(_run, config=f"%YAML 1.1\n---\n{CONFIG}"), "directives are not read"),
    Attack("second document", "one document", partial(_run, config=f"{CONFIG}---\n{CONFIG.replace('0.05', '0.9')}"), "second document"),
    Attack("deep lists", "depth of YAML", _swap("key: id", f"key: {DEEP}"), "nested deeper"),
    Attack("many values", "values of YAML", partial(_run, config=f"{CONFIG}x: [{'1,' * 11_000}]\n"), "more than 10,000 values"),
    Attack("large file", "bytes of YAML", partial(_run, config=CONFIG + "# x\n" * 100_000), "larger than 256 KiB"),
    Attack("other encoding", "encoding of YAML", partial(_run, config=CONFIG.encode("utf-16")), "UTF-16"),
    Attack("control character", "escaped characters of YAML", _swap("key: id", 'key: "i\\u0000d"'), "control character"),
    Attack("hidden line", "characters of YAML", _swap("key: id", "key: id\r  label: x"), "carriage return"),
    Attack("password in an address", "credentials in addresses", _swap("new.csv", f"https://me:{CANARY}@host/new.csv"), "credentials"),
    Attack("signature in an address", "credentials in addresses", _swap("new.csv", f"https://host/new.csv?x-amz-signature={CANARY}"), "credentials"),
    Attack("addresses without an end", "credentials in addresses", partial(_run, config=f"{CONFIG}# {'https://' * 25_000}\n# {'x' * 50_000}://\nx: 1\n"), "unknown key"),
    Attack("token of the runner for a step", "checked form", partial(_run, config=f"{CONFIG}train: {{run: env, env: [GITHUB_TOKEN]}}\n"), "no command gets"),
    Attack("ref that is an option", "checked form", _swap("{file: old.csv}", "{ref: --output=x}"), "must name a branch"),
    Attack("device instead of a file", "regular configuration", _device, "pipe or a device"),
    Attack("configuration of another user", "regular configuration", _file_outside, "error"),
    Attack("confidence of half", "checked form", partial(_run, config=f"{CONFIG}policy: {{confidence: 0.05}}\n"), "at least 0.5"),
)  # fmt: skip
