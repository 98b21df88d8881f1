"""What messages are called: those of UBX by class and id, the others by what they carry themselves.

Names after the u-blox receiver descriptions of generations 6 to 10 and X20; the message groups of assistance (MGA) are
told apart by their ids alone, not by the types within them.
"""

from __future__ import annotations

from functools import cache

from protocols.gnss.messages import UBX_SYNC

_TABLE = """
NAV 01: 01 POSECEF 02 POSLLH 03 STATUS 04 DOP 05 ATT 06 SOL 07 PVT 09 ODO 10 RESETODO 11 VELECEF 12 VELNED 13
  HPPOSECEF 14 HPPOSLLH 17 PVAT 20 TIMEGPS 21 TIMEUTC 22 CLOCK 23 TIMEGLO 24 TIMEBDS 25 TIMEGAL 26 TIMELS 27 TIMEQZSS
  28 NMI 30 SVINFO 31 DGPS 32 SBAS 34 ORB 35 SAT 36 COV 39 GEOFENCE 3b SVIN 3c RELPOSNED 3d EELL 40 EKFSTATUS 42 SLAS
  43 SIG 45 DAHEADING 60 AOPSTATUS 61 EOE 62 PL 63 TIMENAVIC 64 TIMETRUSTED
RXM 02: 10 RAW 11 SFRB 13 SFRBX 14 MEASX 15 RAWX 20 SVSI 30 ALM 31 EPH 32 RTCM 33 SPARTN 34 COR 36 SPARTN-KEY 40
  POSREQ 41 PMREQ 59 RLM 61 IMES 72 PMP 73 QZSSL6 74 TM 80 MEASD12 82 MEASC12 84 MEAS20 86 MEAS50
INF 04: 00 ERROR 01 WARNING 02 NOTICE 03 TEST 04 DEBUG
ACK 05: 00 NAK 01 ACK
CFG 06: 00 PRT 01 MSG 02 INF 04 RST 06 DAT 07 TP 08 RATE 09 CFG 0e FXN 11 RXM 12 EKF 13 ANT 16 SBAS 17 NMEA 1b USB 1d
  TMODE 1e ODO 22 NVS 23 NAVX5 24 NAV5 29 ESFGWT 31 TP5 32 PM 34 RINV 39 ITFM 3b PM2 3d TMODE2 3e GNSS 41 OTP 47
  LOGFILTER 4c ESFA 4d ESFG 53 TXSLOT 56 ESFALG 57 PWR 5c HNR 60 ESRC 61 DOSC 62 SMGR 64 SPT 69 GEOFENCE 70 DGNSS 71
  TMODE3 82 ESFWT 84 FIXSEED 85 DYNSEED 86 PMS 88 SENIF 8a VALSET 8b VALGET 8c VALDEL 8d SLAS 93 BATCH
UPD 09: 14 SOS
MON 0a: 02 IO 04 VER 06 MSGPP 07 RXBUF 08 TXBUF 09 HW 0b HW2 21 RXR 27 PATCH 28 GNSS 2b PT2 2e SMGR 2f SPT 31 SPAN 35
  PMP 36 COMMS 37 HW3 38 RF 39 SYS
AID 0b: 00 REQ 01 INI 02 HUI 10 DATA 30 ALM 31 EPH 32 ALPSRV 33 AOP 50 ALP
TIM 0d: 01 TP 03 TM2 04 SVIN 06 VRFY 11 DOSC 12 TOS 13 SMEAS 15 VCOCAL 16 FCHG 17 HOC
ESF 10: 02 MEAS 03 RAW 04 CAL 10 STATUS 13 RESETALG 14 ALG 15 INS
MGA 13: 00 GPS 02 GAL 03 BDS 05 QZSS 06 GLO 10 SF 20 ANO 21 FLASH 40 INI 60 ACK 80 DBD
LOG 21: 03 ERASE 04 STRING 07 CREATE 08 INFO 09 RETRIEVE 0b RETRIEVEPOS 0d RETRIEVESTRING 0e FINDTIME 0f
  RETRIEVEPOSEXTRA 10 RETRIEVEBATCH 11 BATCH
SEC 27: 01 SIGN 03 UNIQID 09 SIG 0a OSNMA 10 SIGLOG
HNR 28: 00 PVT 01 ATT 02 INS
NAV2 29: 01 POSECEF 02 POSLLH 03 STATUS 04 DOP 07 PVT 09 ODO 11 VELECEF 12 VELNED 17 PVAT 20 TIMEGPS 21 TIMEUTC 22
  CLOCK 23 TIMEGLO 24 TIMEBDS 25 TIMEGAL 26 TIMELS 27 TIMEQZSS 32 SBAS 35 SAT 36 COV 3b SVIN 3d EELL 42 SLAS 43 SIG 61
  EOE 63 TIMENAVIC
"""
"""By class: its name and code, then the id and name of each message."""


@cache
def ubx_names() -> dict[bytes, str]:
    """Names of UBX messages, as NAV-PVT, by class and id, two bytes."""
    found = {}
    for line in _TABLE.replace("\n  ", " ").strip().splitlines():
        head, _, messages = line.partition(": ")
        group, code = head.split()
        words = messages.split()
        for number, name in zip(words[::2], words[1::2], strict=True):
            found[bytes.fromhex(code + number)] = f"{group}-{name}"
    return found


def identity(frame: bytes) -> str:
    """The name of the message in a frame of the framing ``gnss``: NAV-PVT, GNGGA, PUBX00, 1005."""
    if frame.startswith(UBX_SYNC):
        return ubx_names().get(frame[2:4]) or f"UBX-{frame[2]:02X}-{frame[3]:02X}"
    if frame.startswith(b"\xd3\x00"):
        return str(int.from_bytes(frame[2:4], "big"))
    fields = frame[4:].split(b",", 2)
    proprietary = fields[0] == b"PUBX" and len(fields) > 1  # whose kinds are told by their second field
    return (b"".join(fields[:2]) if proprietary else fields[0])[:16].decode("ascii", "replace")
