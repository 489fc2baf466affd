"""Take the pictures of a real TensorBoard page that the documentation shows: `python -m tests.pictures [FOLDER]`.

It trains a small network on the digits of scikit-learn with epochal's TensorBoard callback, starts `tensorboard` on
what was written, and takes a picture of each page with Chromium. It needs, besides epochal with TensorFlow, the
packages scikit-learn, selenium and pillow, which `nox -s pictures` installs, and the programs `chromium` and
`chromedriver` (Debian: `apt-get install chromium chromium-driver`).

All pictures go to FOLDER, `pictures` by default. Look at them, then copy `tensorboard.png` to `docs/images`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .tensorboard_server import tensorboard

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH, HEIGHT = 1280, 1000
SECONDS = 60


def main() -> str | None:
    """Train, start TensorBoard, take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.pictures", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("pictures"))
    folder = parser.parse_args().folder
    missing = [program for program in ("chromium", "chromedriver") if shutil.which(program) is None]
    if missing:
        return f"not on the PATH: {' and '.join(missing)} (Debian: apt-get install chromium chromium-driver)"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        logs = Path(temporary, "logs")
        train(logs)
        with tensorboard(logs) as server, browser(Path(temporary, "profile")) as page:
            server.wait_for(lambda: set(server.ask("runs")) == {"train", "validation"})
            server.wait_for(lambda: server.ask("plugins_listing")["projector"]["enabled"])
            for name, look in PAGES.items():
                page.get("about:blank")
                page.get(f"{server.address}/{look.place}")
                _settle(page)
                for script in look.scripts:
                    page.execute_script(script)
                    _settle(page)
                page.save_screenshot(str(folder / f"{name}.png"))
    _crop(folder / "time-series.png", folder / "tensorboard.png")
    return None


def train(logs: Path) -> None:
    """Train a network that reads a digit pixel by pixel, with an embedding of the 17 degrees of brightness."""
    import keras
    from sklearn.datasets import load_digits

    import epochal
    from epochal_tensorboard import TensorBoard

    keras.utils.set_random_seed(1)
    logs.mkdir()
    (logs / "brightness.tsv").write_text("".join(f"{degree}\n" for degree in range(17)))
    pixels, digits = load_digits(return_X_y=True)
    model = keras.Sequential(
        [
            keras.layers.Input((64,), name="pixels"),
            keras.layers.Embedding(17, 8, name="brightness"),
            keras.layers.Flatten(name="flat"),
            keras.layers.Dense(32, activation="relu", name="hidden"),
            keras.layers.Dense(10, activation="softmax", name="digit"),
        ],
        name="reader",
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    board = TensorBoard(
        logs,
        histogram_freq=1,
        write_images=True,
        update_freq="batch",
        embeddings_freq=1,
        embeddings_metadata={"brightness": "brightness.tsv"},
    )
    epochal.fit(model, pixels, digits, epochs=15, validation_split=0.2, verbose=2, callbacks=[board])


@dataclass(frozen=True)
class Page:
    """A page of TensorBoard.

    Attributes:
        place: The end of its address.
        scripts: JavaScript that is run before the picture is taken.
    """

    place: str
    scripts: tuple[str, ...] = ()


_CLOSE_SETTINGS = "[...document.querySelectorAll('button')].find(each => each.innerText.includes('Settings')).click()"
_FIND = """
    const inside = root => [root, ...[...root.querySelectorAll('*')].flatMap(
        each => each.shadowRoot ? inside(each.shadowRoot) : [])];
    const find = selector => inside(document).map(root => root.querySelector(selector)).find(each => each);
"""
_CHOOSE_LAYERS = f"""{_FIND}
    const controls = find('tf-graph-controls');
    controls.set('_selectedTagIndex', 1);
    controls.set('_selectedGraphType', 'conceptual_graph');
"""
_OPEN_MODEL = f"{_FIND} find('g.node .nodeshape').dispatchEvent(new MouseEvent('dblclick', {{bubbles: true}}));"
PAGES = {
    "time-series": Page("?tagFilter=epoch_(accuracy%7Closs)&smoothing=0#timeseries", (_CLOSE_SETTINGS,)),
    "scalars": Page("#scalars"),
    "histograms": Page("#histograms"),
    "distributions": Page("#distributions"),
    "images": Page("#images"),
    "graph-of-a-step": Page("#graphs"),
    "graph-of-the-layers": Page("#graphs", (_CHOOSE_LAYERS, _OPEN_MODEL)),
    "projector": Page("#projector"),
}


@contextmanager
def browser(profile: Path) -> Iterator[Any]:
    """Run Chromium without a window, with a profile of its own."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for option in (
        "--headless=new",
        "--no-sandbox",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--enable-unsafe-swiftshader",  # WebGL without a graphics card, for the projector
        "--hide-scrollbars",
        f"--window-size={WIDTH},{HEIGHT}",
        f"--user-data-dir={profile}",
    ):
        options.add_argument(option)
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        yield driver
    finally:
        driver.quit()


def _settle(page: Any) -> None:
    """Wait until the page looks the same for two seconds."""
    end, same, before = time.monotonic() + SECONDS, 0, b""
    while same < 4 and time.monotonic() < end:
        time.sleep(0.5)
        now = page.get_screenshot_as_png()
        same, before = (same + 1 if now == before else 0), now


def _crop(picture: Path, part: Path) -> None:
    """Keep the part with the curves, in few colours."""
    from PIL import Image

    with Image.open(picture) as whole:
        whole.crop((0, 0, WIDTH, 608)).quantize(64).save(part, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
