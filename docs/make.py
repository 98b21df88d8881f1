"""Makes the pages of this folder that are made from code: ``docs/vehicles/NAME.md`` from each vehicle's declaration."""

from pathlib import Path

from groundstation.icd import page
from protocols.vehicles import vehicle, vehicles

FOLDER = Path(__file__).parent / "vehicles"


def pages() -> dict[Path, str]:
    """The text of every page by its file; none of a standard's message set, whose pages are elsewhere, and many."""
    return {FOLDER / f"{name}.md": page(made) for name in vehicles() if not (made := vehicle(name)).on_demand}


def main() -> None:
    """Write them, and take away those of vehicles that are no more."""
    FOLDER.mkdir(exist_ok=True)
    made = pages()
    for file in set(FOLDER.glob("*.md")) - set(made):
        file.unlink()
    for file, text in made.items():
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
