"""The catalogue of CRC models, one a line, with the names in use for each.

Source: "Catalogue of parametrised CRC algorithms" (G. Cook, the reveng catalogue), whose parameter names are kept:
poly, init, refin, refout, xorout, as in Ross Williams' model. The width in bits is the number in the name. Semtech's is
not in it: that of the SX127x and SX126x transceivers (their data sheets, "CRC", CCITT).
"""

from functools import cache
from typing import NamedTuple

# name, poly, init, refin and refout (r: reflected, -: not), xorout, other names; numbers in hexadecimal
_TABLE = """
crc-3/gsm                3 0 -- 7
crc-3/rohc               3 7 rr 0
crc-4/g-704              3 0 rr 0 crc-4/itu
crc-4/interlaken         3 f -- f
crc-5/epc-c1g2           9 9 -- 0 crc-5/epc
crc-5/g-704              15 0 rr 0 crc-5/itu
crc-5/usb                5 1f rr 1f
crc-6/cdma2000-a         27 3f -- 0
crc-6/cdma2000-b         7 3f -- 0
crc-6/darc               19 0 rr 0
crc-6/g-704              3 0 rr 0 crc-6/itu
crc-6/gsm                2f 0 -- 3f
crc-7/mmc                9 0 -- 0 crc-7
crc-7/rohc               4f 7f rr 0
crc-7/umts               45 0 -- 0
crc-8/autosar            2f ff -- ff
crc-8/bluetooth          a7 0 rr 0
crc-8/cdma2000           9b ff -- 0
crc-8/darc               39 0 rr 0
crc-8/dvb-s2             d5 0 -- 0
crc-8/gsm-a              1d 0 -- 0
crc-8/gsm-b              49 0 -- ff
crc-8/hitag              1d ff -- 0
crc-8/i-432-1            7 0 -- 55 crc-8/itu
crc-8/i-code             1d fd -- 0
crc-8/lte                9b 0 -- 0
crc-8/maxim-dow          31 0 rr 0 crc-8/maxim dow-crc
crc-8/mifare-mad         1d c7 -- 0
crc-8/nrsc-5             31 ff -- 0
crc-8/opensafety         2f 0 -- 0
crc-8/rohc               7 ff rr 0
crc-8/sae-j1850          1d ff -- ff
crc-8/smbus              7 0 -- 0 crc-8
crc-8/tech-3250          1d ff rr 0 crc-8/aes crc-8/ebu
crc-8/wcdma              9b 0 rr 0
crc-10/atm               233 0 -- 0 crc-10 crc-10/i-610
crc-10/cdma2000          3d9 3ff -- 0
crc-10/gsm               175 0 -- 3ff
crc-11/flexray           385 1a -- 0 crc-11
crc-11/umts              307 0 -- 0
crc-12/cdma2000          f13 fff -- 0
crc-12/dect              80f 0 -- 0 crc-12-x
crc-12/gsm               d31 0 -- fff
crc-12/umts              80f 0 -r 0 crc-12/3gpp
crc-13/bbc               1cf5 0 -- 0
crc-14/darc              805 0 rr 0
crc-14/gsm               202d 0 -- 3fff
crc-15/can               4599 0 -- 0 crc-15
crc-15/mpt1327           6815 0 -- 1
crc-16/arc               8005 0 rr 0 arc crc-16/lha crc-ibm
crc-16/cdma2000          c867 ffff -- 0
crc-16/cms               8005 ffff -- 0
crc-16/dds-110           8005 800d -- 0
crc-16/dect-r            589 0 -- 1 r-crc-16
crc-16/dect-x            589 0 -- 0 x-crc-16
crc-16/dnp               3d65 0 rr ffff
crc-16/en-13757          3d65 0 -- ffff
crc-16/genibus           1021 ffff -- ffff crc-16/darc crc-16/epc crc-16/epc-c1g2 crc-16/i-code
crc-16/gsm               1021 0 -- ffff
crc-16/ibm-3740          1021 ffff -- 0 crc-16/autosar crc-16/ccitt-false
crc-16/ibm-sdlc          1021 ffff rr ffff crc-16/iso-hdlc crc-16/iso-iec-14443-3-b crc-16/x-25 crc-b x-25
crc-16/iso-iec-14443-3-a 1021 c6c6 rr 0 crc-a
crc-16/kermit            1021 0 rr 0 crc-16/ccitt crc-16/ccitt-true crc-16/v-41-lsb crc-ccitt kermit
crc-16/lj1200            6f63 0 -- 0
crc-16/m17               5935 ffff -- 0
crc-16/maxim-dow         8005 0 rr ffff crc-16/maxim
crc-16/mcrf4xx           1021 ffff rr 0
crc-16/modbus            8005 ffff rr 0 modbus
crc-16/nrsc-5            80b ffff rr 0
crc-16/opensafety-a      5935 0 -- 0
crc-16/opensafety-b      755b 0 -- 0
crc-16/profibus          1dcf ffff -- ffff crc-16/iec-61158-2
crc-16/riello            1021 b2aa rr 0
crc-16/semtech           1021 1d0f -- ffff
crc-16/spi-fujitsu       1021 1d0f -- 0 crc-16/aug-ccitt
crc-16/t10-dif           8bb7 0 -- 0
crc-16/teledisk          a097 0 -- 0
crc-16/tms37157          1021 89ec rr 0
crc-16/umts              8005 0 -- 0 crc-16/buypass crc-16/verifone
crc-16/usb               8005 ffff rr ffff
crc-16/xmodem            1021 0 -- 0 crc-16/acorn crc-16/lte crc-16/v-41-msb xmodem zmodem
crc-17/can-fd            1685b 0 -- 0
crc-21/can-fd            102899 0 -- 0
crc-24/ble               65b 555555 rr 0
crc-24/flexray-a         5d6dcb fedcba -- 0
crc-24/flexray-b         5d6dcb abcdef -- 0
crc-24/interlaken        328b63 ffffff -- ffffff
crc-24/lte-a             864cfb 0 -- 0
crc-24/lte-b             800063 0 -- 0
crc-24/openpgp           864cfb b704ce -- 0 crc-24
crc-24/os-9              800063 ffffff -- ffffff
crc-30/cdma              2030b9c7 3fffffff -- 3fffffff
crc-31/philips           4c11db7 7fffffff -- 7fffffff
crc-32/aixm              814141ab 0 -- 0 crc-32q
crc-32/autosar           f4acfb13 ffffffff rr ffffffff
crc-32/base91-d          a833982b ffffffff rr ffffffff crc-32d
crc-32/bzip2             4c11db7 ffffffff -- ffffffff b-crc-32 crc-32/aal5 crc-32/dect-b
crc-32/cd-rom-edc        8001801b 0 rr 0
crc-32/cksum             4c11db7 0 -- ffffffff cksum crc-32/posix
crc-32/iscsi             1edc6f41 ffffffff rr ffffffff crc-32/base91-c crc-32/castagnoli crc-32/interlaken crc-32c
crc-32/iso-hdlc          4c11db7 ffffffff rr ffffffff crc-32 crc-32/adccp crc-32/v-42 crc-32/xz pkzip
crc-32/jamcrc            4c11db7 ffffffff rr 0 jamcrc
crc-32/mef               741b8cd7 ffffffff rr 0
crc-32/mpeg-2            4c11db7 ffffffff -- 0
crc-32/xfer              af 0 -- 0 xfer
crc-40/gsm               4820009 0 -- ffffffffff
crc-64/ecma-182          42f0e1eba9ea3693 0 -- 0 crc-64
crc-64/go-iso            1b ffffffffffffffff rr ffffffffffffffff
crc-64/ms                259c84cba6426349 ffffffffffffffff rr 0
crc-64/nvme              ad93d23594c93659 ffffffffffffffff rr ffffffffffffffff
crc-64/redis             ad93d23594c935a9 0 rr 0
crc-64/we                42f0e1eba9ea3693 ffffffffffffffff -- ffffffffffffffff
crc-64/xz                42f0e1eba9ea3693 ffffffffffffffff rr ffffffffffffffff crc-64/go-ecma
crc-82/darc              308c0111011401440411 0 rr 0
"""


class Model(NamedTuple):
    """One CRC by its parameters."""

    name: str
    """In lower case, as ``crc-16/ibm-3740``."""
    bits: int
    """Width of the register."""
    poly: int
    """The polynomial without its leading term."""
    init: int
    """Register before the first bit."""
    refin: bool
    """Whether each byte goes in least significant bit first."""
    refout: bool
    """Whether the register is turned round at the end."""
    xorout: int
    """Added to the register at the end."""
    aliases: tuple[str, ...]
    """Other names for the same model."""


@cache
def catalogue() -> dict[str, Model]:
    """All models by name."""
    return {model.name: model for model in map(_model, _TABLE.strip().splitlines())}


@cache
def names() -> dict[str, str]:
    """Model name by every name it goes by, in lower case; also by its last part where only one model has that."""
    known = {alias: model.name for model in catalogue().values() for alias in (model.name, *model.aliases)}
    short: dict[str, set[str]] = {}
    for alias, name in known.items():
        short.setdefault(alias.rpartition("/")[2], set()).add(name)
    return {part: owners.pop() for part, owners in short.items() if len(owners) == 1} | known


def _model(line: str) -> Model:
    name, poly, init, reflected, xorout, *aliases = line.split()
    bits = int(name.split("/")[0].removeprefix("crc-"))
    refin, refout = (each == "r" for each in reflected)
    return Model(name, bits, int(poly, 16), int(init, 16), refin, refout, int(xorout, 16), tuple(aliases))
