"""A writing process is killed at any moment: every file opens, nothing that ``write`` returned for is lost.

200 times; ``GROUNDSTATION_KILLS`` says how often else. The writers are forks of warm processes, so that a kill does not
cost the start of an interpreter, and tell how far they are through shared memory, which a kill does not touch.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from mcap.stream_reader import StreamReader

from replay.formats.mcap import McapRecording
from replay.recovery import recover

KILLS = int(os.environ.get("GROUNDSTATION_KILLS", "200"))
NURSERIES = 6

NURSERY = """
import json, mmap, os, random, signal, struct, sys, time
from protocols.chunk import Chunk
from replay.recorder import Recorder
from replay.recording import RecordedEvent, RecordedLink
from replay.recording_part import Rotation

LINKS = {"a": RecordedLink("osx", "cobs")}

def write(path, told, rotation, close_at):
    made = Recorder(path, campaign="", definitions={}, links=LINKS, synthetic=True, software="t", rotation=rotation)
    number, due = 0, time.monotonic()
    while number < close_at:
        now = time.time_ns()
        made.write(Chunk("a", number.to_bytes(8, "big") * (1 + number * 7 % 40), now))
        number += 1
        struct.pack_into("<Q", told, 0, number)
        if number % 100 == 0:
            made.event(RecordedEvent("mark", now, {"number": number}))
            made.sync()
        due += 0.001  # 1,000 packets a second
        time.sleep(max(0.0, due - time.monotonic()))
    made.close()

for line in sys.stdin:
    seed, path = json.loads(line)
    source = random.Random(seed)
    rotation = source.choice([Rotation(), Rotation(size=30_000), Rotation(every_ns=50_000_000)])
    close_at = source.choice([1 << 60, 1 << 60, 1 << 60, 150])
    told = mmap.mmap(-1, 8)
    child = os.fork()
    if not child:
        try:
            write(path, told, rotation, close_at)
        finally:
            os._exit(0)
    time.sleep(source.uniform(0.0, 0.6))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print(json.dumps([seed, path, struct.unpack_from("<Q", told, 0)[0]]), flush=True)
    told.close()
"""


def kills(folder: Path) -> Iterator[tuple[int, Path, int]]:
    """Seed, the path asked for, and how many chunks the killed writer had said to be written."""
    command = [sys.executable, "-c", NURSERY]
    nurseries = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(NURSERIES)]
    try:
        for seed in range(KILLS):
            nurseries[seed % NURSERIES].stdin.write(json.dumps([seed, str(folder / f"{seed}.mcap")]).encode() + b"\n")
        for each in nurseries:
            each.stdin.close()
        for each in nurseries:
            for line in each.stdout:
                seed, path, told = json.loads(line)
                yield seed, Path(path), told
            assert each.wait() == 0
    finally:
        for each in nurseries:
            each.kill()
            each.wait()
            each.stdout.close()


def numbers(path: Path) -> list[int]:
    """The numbers of the chunks of a recording, whose bytes are proven on the way."""
    found = []
    for chunk in McapRecording.open(path).chunks():
        number = int.from_bytes(chunk.data[:8], "big")
        assert chunk.data == chunk.data[:8] * (1 + number * 7 % 40)
        found.append(number)
    return found


def test_whenever_a_writer_is_killed_every_file_opens_and_nothing_written_is_lost(tmp_path):
    seen = in_parts = unfinished = 0
    for seed, asked, told in kills(tmp_path):
        files = sorted(tmp_path.glob(f"{asked.stem}.mcap")) + sorted(tmp_path.glob(f"{asked.stem}-part*.mcap"))
        if files and not files[-1].stat().st_size:  # killed when it had just made this file
            files.pop()
        if not files:
            assert told == 0, f"seed {seed}"
            continue
        found = numbers(files[0])
        assert found == list(range(len(found))), f"seed {seed}"
        assert len(found) >= told, f"seed {seed}: {told - len(found)} chunks lost"
        again: list[int] = []
        for number, file in enumerate(files):
            before = file.read_bytes()
            own = [int.from_bytes(chunk.data[:8], "big") for chunk in McapRecording(file).chunks()]
            if McapRecording(file).finished or not own:
                assert own or number == len(files) - 1, f"seed {seed}"  # only what was just begun holds nothing
                again += own
                continue
            made = recover(file)
            assert made.path is not None, f"seed {seed}"
            assert made.survey.missing == {}, f"seed {seed}"
            repaired = McapRecording(made.path)
            assert repaired.finished
            again += [int.from_bytes(chunk.data[:8], "big") for chunk in repaired.chunks()]
            with made.path.open("rb") as repaired_file:
                last = [type(each).__name__ for each in StreamReader(repaired_file, validate_crcs=True).records][-1]
            assert last == "Footer"
            assert file.read_bytes() == before
            unfinished += 1
        assert again == found, f"seed {seed}"
        seen += 1
        in_parts += len(files) > 1
    assert seen > KILLS // 2
    assert in_parts > KILLS // 10
    assert unfinished > KILLS // 2
    print(f"{seen} of {KILLS} kills while there was a recording, {in_parts} of them in parts; {unfinished} repaired")
