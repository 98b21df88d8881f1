"""SoapySDR with the tests' own radio as its one driver, compiled here; without a compiler or SoapySDR's headers, a
test that asks for it is skipped.
"""

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

_FOLDER = tempfile.TemporaryDirectory(prefix="soapy-")
SOURCE = Path(__file__).with_name("soapy_plugin.cpp")


@cache
def _built() -> str:
    """Why there is none; empty when it is there and SoapySDR will find it."""
    if shutil.which("g++") is None:
        return "no g++ to compile the tests' radio with: apt install g++"
    folder = Path(_FOLDER.name)
    built = folder / "libgroundstation.so"
    command = ["g++", "-shared", "-fPIC", "-O1", "-std=c++11", "-o", str(built), str(SOURCE), "-lSoapySDR"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        assert "SoapySDR/Device.hpp" in done.stderr or "-lSoapySDR" in done.stderr, done.stderr
        return "no headers of SoapySDR to compile the tests' radio with: apt install libsoapysdr-dev"
    os.environ["SOAPY_SDR_PLUGIN_PATH"] = str(folder)
    os.environ["SOAPY_SDR_ROOT"] = str(folder)  # so that drivers installed here are not loaded: they look for hardware
    return ""


def needs_radio() -> None:
    """Skip where the radio cannot be."""
    if problem := _built():
        pytest.skip(problem)
