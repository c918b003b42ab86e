#!/usr/bin/env python3
"""Random sequences of what happens to a few units, as pairs for run.sh: the settings are those of the engine's simulation
(engine/tests/simulation/units.rs), as far as they can be tried from outside in a short time, and so is what happens.

    sequences.py [SEED [COUNT]]    makes so many pairs, and prints their names

The same seed gives the same pairs. The processes are puppets, which do what they are told. After each step it is waited until the
units have come to rest, and what they are then is compared. Nothing but the end of a stop, and Restart=, comes of time alone.
"""

import pathlib
import random
import re
import sys

# Times that are worth waiting for; the simulation has longer ones.
INSTEAD = {"RestartSec=5": "RestartSec=1", "StartLimitIntervalSec=1h": "StartLimitBurst=3"}
# What would take longer or comes of time alone, needs a file of the process's own, is newer than systemd 252, or differs from it as
# docs/units.md says.
LEFT_OUT = re.compile(
    "Watchdog|Preserve|RuntimeMax|PIDFile|Type=idle|Type=notify-reload|ListenStream|Poll|Trigger|PathExists|Sockets=|KillMode|"
    "SendSIGKILL|Timeout|StartLimitInterval.*=0|FailureMode|Requisite"
)
# With so long an interval, how often a unit was started does not depend on how fast that is.
UNIT = "StartLimitIntervalSec=1h\n"
SERVICE = "TimeoutStartSec=infinity\nTimeoutStopSec=1\n"
SOCKET = "TimeoutSec=1\n"

NATURES = ["mortal", "mortal", "polite", "stubborn"]
# How a command ends that is no main process; mostly it waits to be told.
ENDS = ["exit:0", "exit:0", "exit:0", "exit:1", "mortal", "stubborn"]
SIGNALS = {"TERM": 15, "KILL": 9, "HUP": 1}
NOTIFICATIONS = ["READY=1", "READY=1", "STOPPING=1", "RELOADING=1", "STATUS=x"]
VERBS = ["start", "start", "start", "stop", "restart", "try-restart", "reload", "reload-or-restart"]


def settings(text, name):
    """A list of units.rs."""
    body = re.search(rf"const {name}: [^=]*= &?\[(.*?)\];", text, re.DOTALL).group(1)
    return [line for line in re.findall(r'"([^"]*)"', body) if not LEFT_OUT.search(line)]


class Sequence:
    def __init__(self, chance, name, lists):
        self.chance, self.name, self.lists = chance, name, lists
        self.labels = []
        self.files = {"a": f"{name}.service", "s": f"{name}.socket", "e": f"{name}-e.service", "t": f"{name}.target"}

    def lines(self, unit, kind, most):
        chosen = self.chance.sample(self.lists[kind], self.chance.randint(0, most))
        return "".join(self.command(unit, INSTEAD.get(line, line)) + "\n" for line in chosen)

    def command(self, unit, line):
        """With a puppet for /x."""
        setting, value = line.split("=", 1)
        if value.lstrip("-") != "/x":
            return line
        label = f"{unit}-{setting}"
        self.labels.append(label)
        return f"{setting}={value[:-2]}/units/puppet {self.name} {label} {self.chance.choice(ENDS)}"

    def text(self, unit):
        general = f"[Unit]\n{UNIT}{self.lines(unit, 'UNIT', 1)}{self.relations(unit)}"
        if unit == "t":
            return general
        if unit == "s":
            return f"{general}[Socket]\nListenStream=/run/{self.name}\n{SOCKET}{self.lines(unit, 'SOCKET', 3)}"
        self.labels += [unit] * 3
        main = f"ExecStart=/units/puppet {self.name} {unit} {self.chance.choice(NATURES)}\n"
        return f"{general}[Service]\n{main}{SERVICE}{self.lines(unit, 'SERVICE', 4)}"

    def relations(self, unit):
        others = [file for other, file in self.files.items() if other != unit]
        relation = lambda: f"{self.chance.choice(self.lists['RELATIONS'])}={self.chance.choice(others)}\n"
        return "".join(relation() for _ in range(self.chance.choice([0, 1, 1, 2])))

    def make(self):
        directory = pathlib.Path("pairs", self.name)
        directory.mkdir()
        for unit, file in self.files.items():
            (directory / file).write_text(self.text(unit))
        steps = [f"begin_sequence {' '.join(self.files.values())}"]
        steps += [f"happens ask start --no-block {self.chance.choice(list(self.files.values()))}"]
        steps += [f"happens {self.step()}" for _ in range(self.chance.randint(5, 9))]
        (directory / "steps").write_text("\n".join(steps) + "\n")

    def step(self):
        unit = self.chance.choice(list(self.files.values()))
        label = self.chance.choice(self.labels)
        service = self.chance.choice([self.files["a"], self.files["e"]])
        kinds = {
            f"ask {self.chance.choice(VERBS)} --no-block {unit}": 6,
            f"ask reset-failed {unit}": 1,
            f"signal {self.chance.choice(list(SIGNALS))} {service}": 1,
            f"tell {label} exit {self.chance.choice([0, 0, 1])}": 3,
            f"tell {label} kill {self.chance.choice(list(SIGNALS.values()))}": 1,
            f"tell {label} notify {self.chance.choice(NOTIFICATIONS)}": 2,
            f"tell {label} take": 1,
            f"connects /run/{self.name}": 3,
        }
        return self.chance.choices(list(kinds), list(kinds.values()))[0]


def main():
    seed, count = (int(argument) for argument in (sys.argv[1:] + ["1", "24"][len(sys.argv) - 1 :]))
    text = pathlib.Path("units.rs").read_text()
    lists = {name: settings(text, name) for name in ("UNIT", "SOCKET", "SERVICE", "RELATIONS")}
    for number in range(seed, seed + count):
        name = f"sequence-{number}"
        Sequence(random.Random(number), name, lists).make()
        print(name)


if __name__ == "__main__":
    main()
