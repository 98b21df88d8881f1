"""SoapySDR's C library, bound by ctypes: it is found by every Python, also by one that is not the system's.

Debian's ``python3-soapysdr`` can be imported by Debian's own Python alone. The C interface (SoapySDR/Device.h, whose
binary interface has been ``0.8`` since 2021) needs ``libsoapysdr0.8`` and a driver, as ``soapysdr-module-rtlsdr``.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_bool, c_char_p, c_double, c_int, c_long, c_longlong, c_size_t, c_void_p
from functools import cache
from typing import Any, Final

RECEIVE: Final = 1
"""SOAPY_SDR_RX of Constants.h."""
TIMEOUT, STREAM_ERROR, CORRUPTION, OVERFLOW = -1, -2, -3, -4
"""SOAPY_SDR_TIMEOUT and so on, of Errors.h: what readStream gives instead of a number of samples."""
HAS_TIME: Final = 1 << 2
"""SOAPY_SDR_HAS_TIME of Constants.h: the time given is that of the first sample read."""
_WARNING: Final = 4  # SOAPY_SDR_WARNING of Logger.h: what is said below that is for the maker of a driver
_NAMES: Final = ("libSoapySDR.so.0.8", "libSoapySDR.0.8.dylib")

_CHANNEL = [c_void_p, c_int, c_size_t]
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "SoapySDR_free": (None, [c_void_p]),
    "SoapySDR_errToStr": (c_char_p, [c_int]),
    "SoapySDR_setLogLevel": (None, [c_int]),
    "SoapySDRDevice_lastStatus": (c_int, []),
    "SoapySDRDevice_lastError": (c_char_p, []),
    "SoapySDRDevice_makeStrArgs": (c_void_p, [c_char_p]),
    "SoapySDRDevice_unmake": (c_int, [c_void_p]),
    "SoapySDRDevice_getHardwareKey": (c_void_p, [c_void_p]),
    "SoapySDRDevice_setAntenna": (c_int, [*_CHANNEL, c_char_p]),
    "SoapySDRDevice_getAntenna": (c_void_p, _CHANNEL),
    "SoapySDRDevice_hasGainMode": (c_bool, _CHANNEL),
    "SoapySDRDevice_setGainMode": (c_int, [*_CHANNEL, c_bool]),
    "SoapySDRDevice_setGain": (c_int, [*_CHANNEL, c_double]),
    "SoapySDRDevice_getGain": (c_double, _CHANNEL),
    "SoapySDRDevice_setFrequency": (c_int, [*_CHANNEL, c_double, c_void_p]),
    "SoapySDRDevice_setSampleRate": (c_int, [*_CHANNEL, c_double]),
    "SoapySDRDevice_getSampleRate": (c_double, _CHANNEL),
    "SoapySDRDevice_setBandwidth": (c_int, [*_CHANNEL, c_double]),
    "SoapySDRDevice_writeSetting": (c_int, [c_void_p, c_char_p, c_char_p]),
    "SoapySDRDevice_setupStream": (c_void_p, [c_void_p, c_int, c_char_p, POINTER(c_size_t), c_size_t, c_void_p]),
    "SoapySDRDevice_closeStream": (c_int, [c_void_p, c_void_p]),
    "SoapySDRDevice_activateStream": (c_int, [c_void_p, c_void_p, c_int, c_longlong, c_size_t]),
    "SoapySDRDevice_deactivateStream": (c_int, [c_void_p, c_void_p, c_int, c_longlong]),
    "SoapySDRDevice_readStream": (
        c_int,
        [c_void_p, c_void_p, POINTER(c_void_p), c_size_t, POINTER(c_int), POINTER(c_longlong), c_long],
    ),
}
"""What is called of it: the type of what it gives, and those of what it takes."""


@cache
def library() -> Any:
    """The library, loaded once. Raises OSError, saying what to install."""
    for name in _NAMES:
        try:
            loaded = ctypes.CDLL(name)
        except OSError:
            continue
        for function, (gives, takes) in _SIGNATURES.items():
            bound = getattr(loaded, function)
            bound.restype, bound.argtypes = gives, takes
        loaded.SoapySDR_setLogLevel(_WARNING)
        return loaded
    raise OSError(
        "SoapySDR 0.8 is not installed; on Debian and Ubuntu: apt install libsoapysdr0.8 and the driver of the radio, "
        "as soapysdr-module-rtlsdr (no Python package is needed)"
    )


def called(function: str, *arguments: Any) -> Any:
    """Call ``SoapySDRDevice_<function>``. Raises OSError with what the driver says went wrong."""
    loaded = library()
    given = getattr(loaded, f"SoapySDRDevice_{function}")(*arguments)
    if loaded.SoapySDRDevice_lastStatus() or (_SIGNATURES[f"SoapySDRDevice_{function}"][0] is c_int and given):
        said = (loaded.SoapySDRDevice_lastError() or b"").decode(errors="replace").strip()
        raise OSError(said or reason(given if isinstance(given, int) else STREAM_ERROR))
    return given


def text(function: str, *arguments: Any) -> str:
    """The same for what gives text, which is ours to free."""
    given = called(function, *arguments)
    if not given:
        return ""
    try:
        return ctypes.string_at(given).decode(errors="replace")
    finally:
        library().SoapySDR_free(given)


def reason(code: int) -> str:
    """What a negative number means."""
    return str(library().SoapySDR_errToStr(code).decode(errors="replace"))
