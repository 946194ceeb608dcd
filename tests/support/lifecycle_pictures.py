"""``make lifecycle-pictures``: pages of `mlci demo --lifecycle` as screenshots by Chromium, for the tutorial."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.picture import ROOT, SCALE, run_chromium

WIDTH = 1000
PAGES = {"experiment": (".mlci/experiment/experiment.html", 1010), "monitor": (".mlci/out/monitor.html", 614)}
"""Page in the demo's folder, and height in pixels, by the name of the picture."""


def main() -> None:
    """Play the demo and draw each page into docs/images."""
    browser = shutil.which(os.environ.get("CHROMIUM", "chromium"))
    if browser is None:
        sys.exit("a picture needs Chromium: install it, or name another binary in the variable CHROMIUM")
    with tempfile.TemporaryDirectory() as folder:
        program, life = Path(sys.executable).with_name("mlci"), Path(folder) / "life"
        subprocess.run([program, "demo", "--lifecycle", "--out", life], check=True, stdout=subprocess.DEVNULL)
        for name, (page, height) in PAGES.items():
            picture = ROOT / "docs" / "images" / f"{name}.png"
            size = f"--window-size={WIDTH},{height}"
            scale = f"--force-device-scale-factor={SCALE}"
            run_chromium(browser, size, scale, f"--screenshot={picture}", (life / page).as_uri())
            sys.stdout.write(f"{picture.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
