"""Runs commands in turn and measures each as a whole process tree: CPU seconds, wall seconds, peak memory."""

import dataclasses
import functools
import json
import os
import statistics
import subprocess
import sys
import time

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("DOTNET_") or name == "DOTNET_ROOT"},
    "LC_ALL": "C", "TZ": "UTC", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "BLOSC_NTHREADS": "1",
}


class Failed(Exception):
    """A command ended badly or two sides differ: the row is shown as failed, with this reason."""


@dataclasses.dataclass
class Figures:
    """Values of one quantity over the runs of one command, in the unit of its row."""

    values: list

    @property
    def median(self):
        return statistics.median(self.values)

    def scaled(self, factor):
        return Figures([value * factor for value in self.values])


@dataclasses.dataclass
class Task:
    """A command that is measured. `before` is called before each run and is not measured."""

    argv: list
    before: object = None
    cores: int = 1
    runs: int = 0  # at most this many runs; 0 = as many as the row has
    inside: bool = False  # the command measures itself: name, median, min, max in ms, then what it found, by tabs
    accept: tuple = (0,)
    cpu: list = dataclasses.field(default_factory=list)
    wall: list = dataclasses.field(default_factory=list)
    peak_mb: list = dataclasses.field(default_factory=list)
    lines: dict = dataclasses.field(default_factory=dict)
    output: str = ""
    errors: str = ""

    def figures(self):
        return Figures(self.cpu)

    def measured(self, name):
        """What the command says of itself under this name, in ms: one median a run."""
        if name not in self.lines:
            raise Failed(f"{os.path.basename(self.argv[0])} measured nothing called {name}")
        return Figures([line[0] for line in self.lines[name]])

    def found(self, name):
        """What the command found under this name."""
        if name not in self.lines:
            raise Failed(f"{os.path.basename(self.argv[0])} found nothing called {name}")
        return self.lines[name][-1][1]


class Launcher:
    """
    A small process that starts the commands. The peak memory that the kernel tells of a process is never below that of the one it was
    forked from, and this bench holds tables of hundreds of megabytes.
    """

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT)

    def run(self, argv, cores):
        """Exit code, wall seconds, CPU seconds of the process tree, peak KiB of its largest process. Output is in last.out and last.err."""
        self.process.stdin.write(json.dumps([argv, cores, os.getcwd()]).encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@functools.cache
def launcher():
    return Launcher()


def serve():
    """The launcher's side: a line asks, a line answers."""
    for line in sys.stdin.buffer:
        argv, cores, folder = json.loads(line)
        os.chdir(folder)
        start = time.perf_counter()
        with open("last.out", "wb") as output, open("last.err", "wb") as errors:
            child = os.fork()
            if child == 0:
                try:
                    os.sched_setaffinity(0, cores)
                    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                    os.dup2(output.fileno(), 1)
                    os.dup2(errors.fileno(), 2)
                    os.execvp(argv[0], argv)
                except OSError as problem:
                    os.write(2, f"{argv[0]}: {problem}".encode())
                    os._exit(127)
            _, status, usage = os.wait4(child, 0)
        answer = [os.waitstatus_to_exitcode(status), time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss]
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def once(task):
    """Runs a task once, on its number of cores, and keeps what it cost."""
    if task.before:
        task.before()
    cores = sorted(os.sched_getaffinity(0))[-task.cores:]
    ended, wall, cpu, peak_kib = launcher().run([str(word) for word in task.argv], cores)
    with open("last.out", "rb") as output, open("last.err", "rb") as errors:
        task.output = output.read().decode(errors="replace")
        task.errors = errors.read().decode(errors="replace")
    if ended not in task.accept:
        reason = task.errors.strip() or task.output.strip()
        raise Failed(f"{os.path.basename(str(task.argv[0]))} ended with {ended}: {reason[-200:]}".replace("\n", " "))
    task.cpu.append(cpu)
    task.wall.append(wall)
    task.peak_mb.append(peak_kib * 1024 / 1e6)
    if task.inside:
        for line in task.output.splitlines():
            cells = line.split("\t")
            if len(cells) >= 4:
                task.lines.setdefault(cells[0], []).append((float(cells[1]), cells[4] if len(cells) > 4 else None))


def interleave(runs, tasks):
    """Runs the tasks in turn, `runs` times. One that fails is left out from then on: its error is returned under its name."""
    failures = {}
    for turn in range(runs):
        for name, task in tasks.items():
            if name in failures or task.runs and turn >= task.runs:
                continue
            try:
                once(task)
            except Failed as failure:
                failures[name] = failure
    return failures


def run(*argv, accept=(0,), cores=2):
    """Runs a command that is not measured, and returns what it printed."""
    task = Task(list(argv), cores=cores, accept=accept)
    once(task)
    return task.output


def shell(command):
    """A measured or unmeasured pipeline; fails when any part of it does."""
    return ["bash", "-c", "set -euo pipefail; " + command]


if __name__ == "__main__":
    serve()
