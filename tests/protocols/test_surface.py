"""The public names of protocols: all there, each from its own module, and none paid for before it is used."""

import subprocess
import sys
from importlib import import_module

import protocols


def test_every_public_name_is_there_and_of_its_own_module() -> None:
    assert len(protocols.__all__) <= 16, "about a dozen; everything else is reached by its module"
    assert sorted(protocols.__all__) == protocols.__all__
    for name in protocols.__all__:
        found = getattr(protocols, name)
        assert found.__name__ == name
        assert found.__module__.startswith("protocols.")
        assert getattr(import_module(found.__module__), name) is found
        assert found.__doc__, f"{name}: no docstring"
    assert set(protocols.__all__) <= set(dir(protocols))


def test_no_public_name_is_also_a_modules() -> None:
    """An imported submodule becomes an attribute of the package, and would hide the name."""
    for name in protocols.__all__:
        assert not name.islower()


def test_an_unknown_name_is_an_ordinary_error() -> None:
    assert not hasattr(protocols, "Saturn")


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = """
import sys
import protocols, protocols.chunk, protocols.errors
assert "Batch" in dir(protocols)
assert not {"numpy", "construct"} & set(sys.modules), sorted(sys.modules)
from protocols import *
assert Linear(2.0)(21) == 42.0
assert Vehicle.__module__ == "protocols.packet"
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
