"""``make picture``: the comment of `mlci demo --regress` as GitHub shows it, as a screenshot by Chromium.

The pictures of `examples` are drawn by the same functions.

GitHub's own parser (cmarkgfm) renders the Markdown. Colours and distances follow GitHub's light theme.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from cmarkgfm import github_flavored_markdown_to_html
from cmarkgfm.cmark import Options

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "images" / "comment.png"
WIDTH = 1000
SCALE = 1.5
PAGE = """<!doctype html>
<meta charset="utf-8">
<style>
  body {{ margin: 0; padding: 16px; background: #fff; color: #1f2328; }}
  body, table {{ font: 14px/1.5 "Noto Sans", Helvetica, Arial, sans-serif, "Noto Color Emoji"; }}
  article {{ border: 1px solid #d1d9e0; border-radius: 6px; }}
  header {{ background: #f6f8fa; border-bottom: 1px solid #d1d9e0; border-radius: 6px 6px 0 0; }}
  header {{ padding: 8px 16px; color: #59636e; }}
  header b {{ color: #1f2328; }}
  header span {{ border: 1px solid #d1d9e0; border-radius: 2em; padding: 0 6px; font-size: 12px; margin-left: 4px; }}
  main {{ padding: 16px; }}
  main > :last-child {{ margin-bottom: 0; }}
  h2 {{ margin: 0 0 16px; padding-bottom: .3em; border-bottom: 1px solid #d1d9e0b3; font-size: 1.5em; }}
  p, table, details {{ margin: 0 0 16px; }}
  table {{ border-collapse: collapse; }}
  th, td {{ border: 1px solid #d1d9e0; padding: 6px 13px; }}
  th {{ font-weight: 600; }}
  tr:nth-child(2n) td {{ background: #f6f8fa; }}
  code {{ background: #818b981f; border-radius: 6px; padding: .2em .4em; font-size: 85%; }}
</style>
<article>
  <header><b>github-actions</b> <span>bot</span> commented</header>
  <main>{comment}</main>
</article>
<script>document.documentElement.dataset.height = document.documentElement.scrollHeight</script>
"""


def main() -> None:
    """Run the demo in an empty folder, and write the picture of its comment."""
    with tempfile.TemporaryDirectory() as folder:
        draw_comment(demo_comment(folder), PICTURE)


def draw_comment(comment: str, picture: Path, scale: float = SCALE) -> None:
    """Render a comment as GitHub does, and write it as a picture."""
    browser = shutil.which(os.environ.get("CHROMIUM", "chromium"))
    if browser is None:
        sys.exit("a picture needs Chromium: install it, or name another binary in the variable CHROMIUM")
    picture.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "comment.html"
        page.write_text(PAGE.format(comment=render_markdown(comment)), "utf-8")
        size = f"--window-size={WIDTH},{page_height(browser, page)}"
        run_chromium(browser, size, f"--force-device-scale-factor={scale}", f"--screenshot={picture}", page.as_uri())
    sys.stdout.write(f"{picture.relative_to(ROOT)}\n")


def demo_comment(folder: str) -> str:
    """Return the comment that a blocked demo leaves."""
    ended = subprocess.run([Path(sys.executable).with_name("mlci"), "demo", "--regress"], cwd=folder, check=False)
    if ended.returncode != 1:
        sys.exit(f"mlci demo --regress ended with {ended.returncode}, not with 1")
    return (Path(folder) / ".mlci" / "demo" / "comment.md").read_text("utf-8")


def render_markdown(markdown: str) -> str:
    """Return the HTML that GitHub's parser makes of Markdown; raw HTML stays, as in a comment."""
    return github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE)


def page_height(browser: str, page: Path) -> int:
    """Return the height in CSS pixels that the page takes at the picture's width."""
    dom = run_chromium(browser, f"--window-size={WIDTH},100", "--dump-dom", page.as_uri())
    [height] = re.findall(r'<html data-height="(\d+)"', dom)
    return int(height)


def run_chromium(browser: str, *arguments: str) -> str:
    """Run Chromium without a window; return its standard output."""
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
