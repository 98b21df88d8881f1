"""The console under a pilot: what an operator sees and what the keys do."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from groundstation.bus.address import BrokerAddress
from groundstation.console.app import run_console
from groundstation.console.widgets.signs import THEMES
from protocols.errors import BusError, TelemetryError

Open = Callable[..., Any]
SIZES = [(80, 24), (140, 45)]


def line(screen: str, number: int) -> str:
    return screen.splitlines()[number]


@pytest.mark.parametrize("size", SIZES)
async def test_the_top_lines_answer_the_four_questions(bus: Any, console: Open, size: tuple[int, int]) -> None:
    bus.fly()
    bus.alarm({})
    async with console(bus, size) as operator:
        screen = await operator.look()
        assert all(word in line(screen, 0) for word in ("hop-1", "● REC 14:32", "214", "LIVE"))
        assert all(word in line(screen, 1) for word in ("T+00:00:0", "BOOST", "◆", "1/1"))


@pytest.mark.parametrize("size", SIZES)
async def test_the_flight_view_shows_key_measurements_plots_and_the_story(
    bus: Any, console: Open, size: tuple[int, int]
) -> None:
    bus.fly()
    bus.alarm({})
    async with console(bus, size) as operator:
        screen = await operator.look()
        assert all(
            word in screen for word in ("ALTITUDE", "BATTERY VOLTAGE", "altitude, m", "┤", "T-0", "liftoff happened")
        )
        assert "◆①" in screen
        assert "✓ receiving" in screen
        if size == (80, 24):
            assert re.search(r"1\s204 m", screen)
            assert re.search(r"29\.81 V ◆", screen)


async def test_large_digits_where_there_is_room(bus: Any, console: Open) -> None:
    bus.fly()
    async with console(bus, (140, 45)) as operator:
        screen = await operator.look()
        for row in (" ╻ ╺━┓┏━┓╻ ╻", " ┃ ┏━┛┃ ┃┗━┫", " ╹ ┗━╸┗━┛  ╹ m"):
            assert row in screen, "1204 m"


async def test_the_axes_of_one_quantity_share_a_plot(bus: Any, console: Open) -> None:
    bus.fly()
    gyro = {f"gyro_{axis}": {"unit": "°/s", "type": "i16"} for axis in "xyz"}
    bus.define(packets={"inertial": {"rate": 10.0, "measurements": gyro}}, plots=[f"inertial.{name}" for name in gyro])
    bus.telemetry("inertial", {name: [1.0, 2.0] for name in gyro})
    async with console(bus, (140, 45)) as operator:
        assert re.search(r"─ gyro x, ─ gyro y, ─ gyro z, °/s", await operator.look())


async def test_keys_switch_views_and_no_view_covers_the_header(bus: Any, console: Open) -> None:
    bus.fly()
    async with console(bus) as operator:
        for key, word in (("l", "81 204"), ("e", "mission time"), ("f", "ALTITUDE"), ("m", "measurement")):
            screen = (await operator.press(key)).replace("\N{NO-BREAK SPACE}", " ")
            assert word in screen
            assert "● REC" in line(screen, 0)
            assert "BOOST" in line(screen, 1)
        assert operator.console.panel.TITLE == "measurements"
        await operator.press("tab")
        assert operator.console.panel.TITLE == "links"


async def test_letters_find_measurements_and_esc_gives_the_keys_back(bus: Any, console: Open) -> None:
    bus.fly()
    async with console(bus) as operator:
        await operator.press("m")
        screen = await operator.press("b", "a", "t", "space", "v")
        assert "power.battery_voltage" in screen
        assert "guidance.altitude" not in screen
        assert "1 of 6" in screen
        screen = await operator.press("escape")
        assert "guidance.altitude" in screen
        await operator.press("escape", "l")
        assert operator.console.panel.TITLE == "links"


async def test_enter_shows_a_measurement_in_full(bus: Any, console: Open) -> None:
    bus.fly()
    async with console(bus, (140, 45)) as operator:
        screen = await operator.press("m", "b", "a", "t", "enter")
        for words in (
            "29.81 V", "at the battery", "below 28 V", "below 27.5 V", "3 samples",
            "u16 (unsigned, 16 bits) at byte 12",
            "0.01 V", "battery voltage, V", "1 Hz",
        ):  # fmt: skip
            assert words in screen
        assert "unit" in await operator.press("escape"), "back in the table"


async def test_values_carry_their_signs(bus: Any, console: Open) -> None:
    bus.fly()
    bus.alarm({"level": "yellow"})
    bus.telemetry("guidance", {"altitude": [None], "mode": [2]})
    async with console(bus) as operator:
        screen = await operator.press("m")
        rows = {row.split()[0]: row for row in screen.splitlines() if row.strip()}
        assert re.search(r"29\.81\s+V\s+▲", rows["power.battery_voltage"])
        assert re.search(r"–\s+m\s+✕", rows["guidance.altitude"])
        assert "yes" in rows["power.armed"]
        assert "SN-0042" in rows["power.serial"]


async def test_stale_data_is_said_before_anyone_asks(bus: Any, console: Open) -> None:
    bus.fly()
    bus.advance(12.5)
    async with console(bus) as operator:
        screen = (await operator.look()).replace("\N{NO-BREAK SPACE}", " ")
        assert re.search(r"DATA 12 s OLD", line(screen, 1))
        assert re.search(r"… 12 s old", screen)
        assert "…" in await operator.press("m")


async def test_a_lost_broker_and_a_lost_station_are_said(bus: Any, console: Open) -> None:
    bus.fly()
    async with console(bus, (140, 45)) as operator:
        bus.picture.broker_problem, bus.picture.broker_lost_ns = "refused", bus.at_ns
        assert "BROKER LOST" in line(await operator.look(), 1)
        assert "NOT SENT" in await operator.press("A")
        bus.picture.broker_problem = ""
        bus.status(state="lost")
        assert "STATION LOST" in line(await operator.look(), 1)


async def test_a_recording_that_fails_is_said(bus: Any, console: Open) -> None:
    bus.fly()
    bus.status(recording={"path": "x", "state": "failed", "problem": "/a/x.mcap at byte 7: disk full"})
    async with console(bus, (140, 45)) as operator:
        assert "✕ NOT RECORDING disk full" in line(await operator.look(), 0)


@pytest.mark.parametrize(
    ("mode", "synthetic", "word", "sign"),
    [("live", False, " LIVE ", ""), ("live", True, " SIMULATION ", "~"), ("replay", False, " REPLAY ", "⟲")],
)
async def test_live_simulation_and_replay_cannot_be_mistaken(
    bus: Any, console: Open, mode: str, synthetic: bool, word: str, sign: str
) -> None:
    bus.fly()
    bus.define(synthetic=synthetic)
    bus.status(mode=mode, synthetic=synthetic)
    async with console(bus) as operator:
        assert word in line(await operator.look(), 0)
        screen = await operator.press("m")
        row = next(each for each in screen.splitlines() if "battery_voltage" in each)
        assert [each for each in "~⟲" if each in row] == list(sign)


async def test_alarms_are_acknowledged_one_or_all(bus: Any, console: Open) -> None:
    bus.fly()
    bus.alarm({}, {"measurement": "guidance.altitude", "first_out": 2, "level": "yellow"})
    async with console(bus) as operator:
        await operator.press("a")
        assert (operator.sent[-1]["do"], operator.sent[-1]["measurement"]) == ("acknowledge", "power.battery_voltage")
        await operator.press("e")  # and the view is drawn before anything is chosen in it
        screen = await operator.press("down", "a")
        assert operator.sent[-1]["measurement"] == "guidance.altitude"
        assert "acknowledged guidance.altitude" in screen
        await operator.press("A")
        assert operator.sent[-1]["measurement"] == "*"
        assert all(request["by"] for request in operator.sent)
        bus.alarm({"acknowledged": True, "by": "ann"})
        assert "by ann" in await operator.look()
        sent = len(operator.sent)
        await operator.press("a")
        assert len(operator.sent) == sent


async def test_an_alarm_back_in_limits_stays_until_it_leaves_the_list(bus: Any, console: Open) -> None:
    bus.fly()
    bus.alarm({"active": False})
    async with console(bus, (140, 45)) as operator:
        assert "back in limits" in await operator.press("e")
        bus.alarm()
        assert "no alarms" in await operator.look()


async def test_a_mark_has_a_text(bus: Any, console: Open) -> None:
    bus.fly()
    async with console(bus) as operator:
        screen = await operator.press("x", "o", "k")
        assert "● REC" in line(screen, 0), "the dialog leaves the header in sight"
        await operator.press("enter")
        assert (operator.sent[-1]["do"], operator.sent[-1]["text"]) == ("mark", "ok")
        await operator.press("x", "n", "escape")
        assert len(operator.sent) == 1


async def test_the_replay_bar_and_its_keys(bus: Any, console: Open) -> None:
    bus.define()
    bus.replay(speed=4.0)
    bus.event("ignition", -5.0)
    async with console(bus, (140, 45)) as operator:
        screen = await operator.look()
        bar = line(screen, -2)
        assert all(word in bar for word in ("⟲ hop-1", "▾", "●", "4x", "space pause"))
        await operator.press("space", "right", "left", "full_stop", "plus", "minus")
        assert [request["do"] for request in operator.sent] == ["pause", "seek", "seek", "step", "speed", "speed"]
        assert "g go to  b loop" in bar
        assert [request["speed"] for request in operator.sent[-2:]] == [10.0, 4.0], "each from where the one before led"
        bus.replay(paused=True)
        assert "PAUSED" in line(await operator.look(), 1)
        bus.replay(ended=True)
        assert "END OF DATA" in line(await operator.look(), 1)


async def test_keys_in_a_row_add_up_before_the_station_has_answered(bus: Any, console: Open) -> None:
    bus.replay(paused=True)
    async with console(bus) as operator:
        await operator.press("right", "right", "right", "left")
        asked = [request["received_ns"] for request in operator.sent]
        start = bus.picture.status.t0_ns
        assert [(each - start) / 1e9 for each in asked] == [10.0, 20.0, 30.0, 20.0]
        await operator.press("plus", "plus", "plus", "plus")
        assert [request["speed"] for request in operator.sent[4:]] == [2.0, 4.0, 10.0, 20.0]
        await operator.press("space", "space")
        assert [request["do"] for request in operator.sent[8:]] == ["play", "pause"]


async def test_a_live_station_has_no_replay_bar(bus: Any, console: Open) -> None:
    bus.fly()
    async with console(bus) as operator:
        assert "├" not in await operator.press("space", "right")
        assert operator.sent == []


async def test_the_owner_is_asked_what_becomes_of_the_station(bus: Any, console: Open) -> None:
    bus.fly()
    for keys, result in ((("q", "l"), "left"), (("q", "s"), "stop"), (("q", "enter"), "left")):
        async with console(bus, owner=True) as operator:
            await operator.strike(*keys)
            await operator.pilot.pause()
            assert operator.console.return_value == result
    async with console(bus, owner=True) as operator:
        assert "leave the station running" in await operator.press("q")
        assert "leave the station running" not in await operator.press("escape")
        assert operator.console.return_value is None


async def test_a_guest_just_leaves(bus: Any, console: Open) -> None:
    async with console(bus) as operator:
        await operator.strike("q")
        assert operator.console.return_value == "left"


async def test_help_names_the_keys_of_the_view(bus: Any, console: Open) -> None:
    async with console(bus, (140, 60)) as operator:
        screen = await operator.press("e", "question_mark")
        assert "keys: events" in screen
        assert all(
            words in screen for words in ("the other list", "acknowledge one alarm", "◆", "stale: older than three")
        )
        assert "keys: events" not in await operator.press("escape")


async def test_every_command_is_in_the_palette_and_themes_change_colours(bus: Any, console: Open) -> None:
    bus.fly()
    async with console(bus) as operator:
        commands = {command.title: command for command in operator.console.get_system_commands(operator.console.screen)}
        assert {f"theme: {name}" for name in THEMES} <= commands.keys()
        assert {"view: links", "mark", "stop the station", "quit"} <= commands.keys()
        await operator.look()
        backgrounds = set()
        for name in THEMES:
            commands[f"theme: {name}"].callback()
            await operator.look()
            segments = list(operator.console.screen._compositor.render_strips()[1])
            backgrounds |= {segment.style.bgcolor for segment in segments if segment.style and "T+" in segment.text}
        assert len(backgrounds) == len(THEMES)
        commands["stop the station"].callback()
        await operator.press("s")
        assert operator.sent[-1]["do"] == "stop"


async def test_the_arrow_keys_choose_a_link(bus: Any, console: Open) -> None:
    bus.fly()
    bus.publish("link/s-band", {"link": "s-band", "state": "lost", "problem": "no such device", "bytes_in": 5})
    async with console(bus, (140, 45)) as operator:
        screen = (await operator.press("l")).replace("\N{NO-BREAK SPACE}", " ")
        assert "18 200 000 B in = 18 199 988 frames + 12 discarded + 0 pending  ✓ every byte" in screen
        assert "crc failures 3" in screen
        screen = await operator.press("down")
        assert "does not add up" in screen
        assert "no such device" in screen


def test_without_a_terminal_it_says_what_to_do_instead() -> None:
    with pytest.raises(TelemetryError, match=r"needs a terminal.*mosquitto_sub"):
        run_console("mqtt://127.0.0.1:1883", "groundstation/live/x")


async def test_the_links_view_says_which_broker_and_topics_these_are(bus: Any, console: Open) -> None:
    bus.fly()
    bus.picture.bus = "mqtt://127.0.0.1:1884  topics groundstation/live/hop-1/#"
    async with console(bus, (140, 45)) as operator:
        assert "mqtt://127.0.0.1:1884  topics groundstation/live/hop-1/#" in await operator.press("l")


@pytest.mark.parametrize("url", ["http://x", "mqtt://", "mqtt://ann:secret@x:1", "mqtt://x:port"])
def test_an_unusable_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BusError) as raised:
        BrokerAddress.parse(url)
    assert "secret" not in str(raised.value)
