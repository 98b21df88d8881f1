"""The layers as they are when the program runs: what importing a package really loads, and what its code calls."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
IMPORTING = """
import importlib, pkgutil, sys
import numpy, numpy.typing, construct
outside = {outside!r} - set(sys.modules)  # what these two load for themselves is theirs
package = importlib.import_module({package!r})
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
    found = outside & set(sys.modules)
    if found:
        sys.exit(f"{{module.name}} loads {{sorted(found)}}")
print(sum(name.startswith({package!r}) for name in sys.modules))
"""
OUTSIDE = {"asyncio", "socket", "serial", "textual", "aiomqtt"}


def ran(program: str) -> str:
    """What a program prints in a fresh interpreter; the test fails with what it says if it fails."""
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr + ended.stdout
    return ended.stdout


@pytest.mark.parametrize(
    ("package", "outside"),
    [
        ("protocols", OUTSIDE | {"logging", "replay", "hardware", "groundstation"}),
        ("replay", OUTSIDE | {"hardware", "groundstation"}),
    ],
)
def test_no_module_of_it_loads_what_is_outside(package: str, outside: set[str]) -> None:
    assert int(ran(IMPORTING.format(package=package, outside=outside))) > 10


def test_the_serial_source_loads_neither_numpy_nor_a_screen() -> None:
    heavy = {"numpy", "construct", "textual", "aiomqtt", "pydantic"}
    ran(f"import sys, hardware.sources.serial\nfound = {heavy!r} & set(sys.modules)\nassert not found, found")


@pytest.mark.parametrize("package", ["protocols", "replay", "hardware", "groundstation"])
def test_nothing_is_evaluated_or_unpickled_and_protocols_open_and_print_nothing(package: str) -> None:
    refused = {"eval", "exec", "__import__"} | ({"open", "print", "input"} if package == "protocols" else set())
    files = list((ROOT / package).rglob("*.py"))
    assert len(files) > 10
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in refused, f"{file}:{node.lineno} calls {node.func.id}"
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {each.name for each in node.names} | {getattr(node, "module", None)}
                assert not names & {"pickle", "marshal", "shelve"}, f"{file}:{node.lineno}"


def test_the_contracts_between_the_packages_are_kept() -> None:
    pytest.importorskip("importlinter", reason="import-linter is not installed: it is in the extra `lint`")
    told = ran("from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))")
    assert "0 broken" in told
