"""Measures dynamodb_py beside boto3, PynamoDB, pydynox and aiodynamo: CPU, side by side.

    python benchmarks/run.py                      everything, about eight minutes
    python benchmarks/run.py --quick              everything, fewer and shorter rounds
    python benchmarks/run.py --only get,query --contenders dynamodb_py,boto3 --quick
    python benchmarks/run.py --contenders dynamodb_py,dynamodb_py@938fb98      and an older commit
    python benchmarks/run.py --check              exit status 1 where a floor is not met (floors.py)
    python benchmarks/run.py --rst                the table of the README

README.rst beside this file says what is measured, and how.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import checking
import checkouts
import contenders
import environments
import floors
import growth_table
import null_server
import regimes
import report
from processes import Worker, WorkerError, cpu_of, environment
from report import Results

STEPS = [m.name for m in report.MEASURES if m.unit == "us" and m.name not in report.GROWTH]
BARE_TWINS = "dynamodb_py_bare"  # the contender's module that has query sets and their twins


def say(line: str = "") -> None:
    """Write to standard output."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def note(line: str) -> None:
    """Write to standard error: progress, and what could not be measured."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


class Race:
    """One run: which contenders, which measures, how many rounds of how many seconds."""

    def __init__(
        self,
        names: Sequence[str],
        measures: Sequence[str],
        *,
        quick: bool,
        rounds: int | None = None,
        limits: Mapping[str, set[str]] | None = None,
    ) -> None:
        """Where *limits* has a contender, it is measured at those of *measures* alone."""
        self.measures = list(measures)
        self.limits = limits or {}
        self.rounds, self.seconds = (4, 0.03) if quick else (6, 0.04)  # of one process
        self.processes = math.ceil(rounds / self.rounds) if rounds else 3 if quick else 10
        self.starts = 2 * self.processes
        self.results = Results(list(names), rounds=self.rounds)
        self.classes: dict[str, type[contenders.Contender]] = {}
        self.problems: list[str] = []
        self.bare: list[str] = []  # the steps that have a bare twin
        self.folders: dict[str, Path] = {}
        self.home = self.url = ""

    def titles(self) -> dict[str, str]:
        """Return what the contenders are called in the report."""
        titles = {
            name: self.classes[name].title if name in self.classes and "@" not in name else name
            for name in (*contenders.NAMES, *self.results.contenders)
        }
        return {**titles, report.QUERYSET: "query set", report.BARE: "bare request"}

    def run(self, server: null_server.Server) -> None:
        """Check, then measure everything."""
        with (
            checkouts.unpacked(self.results.contenders) as self.folders,
            tempfile.TemporaryDirectory(prefix="benchmark-home-") as self.home,
        ):
            sound = self._check_all()
            self.url = server.url
            counts: dict[tuple[str, str], int] = {}
            for number in range(self.processes):
                note(f"processes {number + 1} of {self.processes}")
                with contextlib.ExitStack() as stack:
                    names = list(sound) if number % 2 else list(reversed(sound))
                    workers = {
                        name: stack.enter_context(self._worker(name, number)) for name in names
                    }
                    self._time_steps(workers, sound, counts)
                    if number == 0:
                        self._measure_memory(workers)
                if self.bare:
                    with self._worker(BARE_TWINS, number) as worker:
                        self._time_bare(worker)
            self._time_starts(sound)
            self._time_growth(sound)
        self.results.contenders = [name for name in self.results.contenders if name in sound]

    def _wanted(self, name: str) -> list[str]:
        return [each for each in self.measures if each in self.limits.get(name, self.measures)]

    @contextlib.contextmanager
    def _worker(self, name: str, seed: int) -> Iterator[Worker]:
        worker = Worker(name.partition("@")[0], self.url, self._environment(name, seed))
        try:
            yield worker
        finally:
            worker.close()

    def _environment(self, name: str, seed: int) -> dict[str, str]:
        checkout = self.folders.get(name, checkouts.ROOT)
        return environment(self.url, self.home, checkout, seed)

    def _check_all(self) -> dict[str, list[str]]:
        """Return the contenders that can be measured: name -> steps that do what they should."""
        sound: dict[str, list[str]] = {}
        with null_server.recording() as (self.url, requests):
            for name in self.results.contenders:
                try:
                    self.classes[name] = contenders.find(name.partition("@")[0])
                    with self._worker(name, 0) as worker:
                        sound[name] = self._check(name, worker, requests)
                except Exception as error:  # not installed, or not as this contender knows it
                    self._problem(name, None, f"{type(error).__name__}: {error}")
            if report.PROJECT in sound:
                try:
                    with self._worker(BARE_TWINS, 0) as worker:
                        self._check_bare(worker, requests, sound[report.PROJECT])
                except WorkerError as error:  # a name that is not public has changed
                    self._problem(BARE_TWINS, None, str(error))
        return sound

    def _check(self, name: str, worker: Worker, requests: list[null_server.Request]) -> list[str]:
        folder = self.folders[name].resolve()
        if self.classes[name].distribution == report.PROJECT:
            imported = Path(worker.ask("folder")).resolve()
            if imported != folder:
                raise WorkerError(f"imported from {imported} instead of {folder}")
        wanted = set(self._wanted(name))
        if wanted & {"memory", "memory_read"}:
            wanted.add("query_unread")
        steps: list[str] = [step for step in worker.ask("steps") if step in wanted]
        good = []
        for step in steps:
            requests.clear()
            try:
                worker.ask("check", step=step)
            except WorkerError as error:
                self._problem(name, step, str(error))
                continue
            lenient = self.classes[name].sets_as_lists
            problem = checking.wrong(step, list(requests), sets_as_lists=lenient)
            if problem:
                self._problem(name, step, problem)
            else:
                good.append(step)
        return good

    def _check_bare(
        self, worker: Worker, requests: list[null_server.Request], good: list[str]
    ) -> None:
        """Note the steps among *good* that send just what their bare twin does."""
        for step in (s for s in worker.ask("bare") if s in good and s in self.measures):
            requests.clear()
            try:
                worker.ask("check", step=step)
                sent = list(requests)
                requests.clear()
                worker.ask("check_bare", step=step)
                problem = checking.differ(sent, list(requests))
            except WorkerError as error:
                problem = str(error)
            if problem:
                self._problem(report.PROJECT, f"{step}, bare", problem)
            else:
                self.bare.append(step)

    def _problem(self, name: str, step: str | None, what: str) -> None:
        self.problems.append(f"{name}{f', {step}' if step else ''}: {what}")

    def _time_steps(
        self,
        workers: dict[str, Worker],
        sound: dict[str, list[str]],
        counts: dict[tuple[str, str], int],
    ) -> None:
        """Time each step in rounds; *counts* has how often, once the first processes found it out."""
        for step in (step for step in self.measures if step in STEPS):
            names = [name for name in workers if step in sound[name]]
            often: dict[str, int] = {}
            for name in names:
                place = step, name.partition("@")[0]  # the same for each commit
                if place not in counts:
                    counts[place] = self._count(workers[name], step)
                often[name] = counts[place]
                workers[name].ask("time", step=step, count=often[name])  # to warm up
            note(f"{step}: {', '.join(f'{name} {often[name]}x' for name in names)}")
            for _ in range(self.rounds):
                for name in names:
                    cpu = workers[name].ask("time", step=step, count=often[name])
                    self.results.add(step, name, cpu)
                names = names[1:] + names[:1]  # nobody is always first

    def _time_bare(self, worker: Worker) -> None:
        for step in self.bare:
            count = self._count(worker, step)
            note(f"{step} beside its bare twin: {count}x")
            for _ in range(self.rounds):
                ours, bare = worker.ask("beside", step=step, count=count)
                self.results.add(step, report.QUERYSET, ours)
                self.results.add(step, report.BARE, bare)

    def _count(self, worker: Worker, step: str) -> int:
        """Warm up, and return how often *step* fits into the seconds of a round."""
        worker.ask("time", step=step, count=3)
        each: float = worker.ask("time", step=step, count=10)
        # A batch of asyncio's is 64 and CPU clocks have a grain: at least that many microseconds.
        return max(int(self.seconds / max(each, 5e-6)), 3)

    def _measure_memory(self, workers: dict[str, Worker]) -> None:
        if not {"memory", "memory_read"} & set(self.measures):
            return
        for name, worker in workers.items():
            wanted = self._wanted(name)
            if not self.classes[name].distribution or not {"memory", "memory_read"} & set(wanted):
                continue
            try:
                for measure, size in worker.ask("memory").items():
                    if measure in wanted:
                        self.results.add(measure, name, size)
            except WorkerError as error:
                self._problem(name, "memory", str(error))

    def _time_starts(self, sound: dict[str, list[str]]) -> None:
        programs: dict[tuple[str, str], str] = {}
        pythons: dict[str, str] = {}
        for name in sound:
            contender = self.classes[name]
            for start in (each for each in report.STARTS if each in self._wanted(name)):
                program = contender.imports if start == "import" else contender.cold
                if not program:
                    continue
                try:
                    if name not in pythons:
                        note(f"environment of {name}")
                        pythons[name] = environments.python_for(contender)
                    # Once beforehand: bytecode is written, files are cached.
                    cpu_of(program, self._alone(name, 0), pythons[name])
                    programs[start, name] = program
                except (WorkerError, OSError, subprocess.CalledProcessError) as error:
                    self._problem(name, start, str(error))
        if not programs:
            return
        note(f"{', '.join(dict.fromkeys(start for start, _ in programs))}: {self.starts} rounds")
        places = list(programs)
        for seed in range(self.starts):
            names = dict.fromkeys(name for _, name in places)
            bare = {name: cpu_of("pass", self._alone(name, seed), pythons[name]) for name in names}
            for start, name in places:
                cpu = cpu_of(programs[start, name], self._alone(name, seed), pythons[name])
                self.results.add(start, name, max(cpu - bare[name], 0.0))
            places.reverse()  # nobody is always first

    def _alone(self, name: str, seed: int) -> dict[str, str]:
        """Return the environment of a process that finds the checkout and its own packages only."""
        path = str(self.folders.get(name, checkouts.ROOT))
        return {**self._environment(name, seed), "PYTHONPATH": path}

    def _time_growth(self, sound: dict[str, list[str]]) -> None:
        wanted = [measure for measure in report.GROWTH if measure in self.measures]
        names = [name for name in sound if name.partition("@")[0] == report.PROJECT]
        if wanted and names:
            note(", ".join(wanted))
        for seed in range(min(self.processes, 5)):
            for measure in wanted:
                case, figure = report.GROWTH[measure]
                for name in names:
                    try:
                        seconds = growth_table.measure(case, self._environment(name, seed))
                        self.results.add(measure, name, seconds[figure])
                    except subprocess.CalledProcessError as error:
                        self._problem(name, measure, str(error))


def version_of(distribution: str) -> str:
    """Return the version of an installed distribution."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "this checkout"


def chosen(text: str | None, *, exactly: bool = False) -> list[str]:
    """Return the measures of a list: ``query`` is ``query`` and ``query_unread``, but for *exactly*."""
    names = [measure.name for measure in report.MEASURES]
    if text is None:
        return names
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [part for part in wanted if not any(_is_asked_for(name, part) for name in names)]
    if unknown or not wanted:
        raise SystemExit(f"no such measure: {', '.join(unknown)}; there are {', '.join(names)}")
    if exactly:
        return [name for name in names if name in wanted]
    return [name for name in names if any(_is_asked_for(name, part) for part in wanted)]


def _is_asked_for(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}_")


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--rounds", metavar="N", type=int, help="at least so many rounds")
    parser.add_argument("--only", metavar="MEASURES", help="comma-separated: get,put,query,...")
    parser.add_argument(
        "--contenders",
        metavar="NAMES",
        help=f"{', '.join(contenders.NAMES)}; dynamodb_py@COMMIT or dynamodb_py@/path",
    )
    parser.add_argument("--regime", choices=regimes.NAMES, default=regimes.NAMES[0])
    parser.add_argument("--check", action="store_true", help="exit 1 where a floor is not met")
    parser.add_argument("--rst", action="store_true", help="print the table of the README alone")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all samples to FILE")
    parser.add_argument("--python-server", action="store_true", help="not the null server in C")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit status: 1 for a floor not met or a contender wrong."""
    options = arguments(argv)
    only, names = options.only, options.contenders
    if options.check:
        only = only or ",".join(floors.MEASURES)
        names = names or ",".join([report.PROJECT, *floors.RIVALS, "bare_exchange"])
    elif options.rst:
        only = only or ",".join(report.README)
    race = Race(
        checkouts.chosen(names),
        chosen(only, exactly=only != options.only),
        quick=options.quick,
        rounds=options.rounds,
        limits=floors.STEPS if options.check else None,
    )
    load = os.getloadavg()[0]
    with regimes.running(options.regime, python=options.python_server) as (server, regime):
        note(f"null server: {server.kind}, {server.url}; {regime}")
        race.run(server)
    return finish(race, options, f"{server.kind}, {regime}", load)


def finish(race: Race, options: argparse.Namespace, served: str, load: float) -> int:
    """Print what came of *race*; return the exit status."""
    results, titles = race.results, race.titles()
    if options.json:
        samples = {f"{m}/{name}": values for (m, name), values in results.samples.items()}
        options.json.write_text(json.dumps(samples, indent=1) + "\n")
    if options.rst:
        say(report.readme(results, titles))
        say()
        say(caption(race))
    elif results.samples:
        print_tables(race, served, load)
    for problem in race.problems:
        note(f"NOT MEASURED: {problem}")
    met = True
    if options.check:
        rows, reasons, met = floors.check(results, titles, race.measures)
        say()
        say(report.text(rows))
        for reason in reasons:
            say(reason)
    return 0 if met and not race.problems else 1


def caption(race: Race) -> str:
    """Return what stands below the table of the README: when, at which commit, beside what."""
    today = time.strftime("%d %B %Y").lstrip("0")
    versions = [
        f"{contender.distribution} {version_of(contender.distribution)}"
        for contender in dict.fromkeys(race.classes.values())
        if contender.distribution not in ("", report.PROJECT)
    ]
    return (
        f"Measured on {today} at commit {checkouts.describe(report.PROJECT)}, Python "
        f"{platform.python_version()}, {', '.join(dict.fromkeys(versions))}."
    )


def print_tables(race: Race, served: str, load: float) -> None:
    """Print the medians, the ratios, and how far they can be trusted."""
    results, titles = race.results, race.titles()
    say(report.text(report.medians(results, titles)))
    for rival in report.RIVALS:
        if rival in results.contenders:
            say()
            say(report.text(report.ratios(results, titles, rival)))
    for other in results.contenders:
        if "@" in other and report.PROJECT in results.contenders:
            say()
            say(report.text(report.beside(results, report.PROJECT, other)))
    beside = report.over_bare(results, titles)
    if len(beside) > 1:
        say()
        say(report.text(beside))
    say()
    for name in results.contenders:
        contender = race.classes[name]
        remark = f": {contender.note}" if contender.note else ""
        version = version_of(contender.distribution) if contender.distribution else ""
        if contender.distribution == report.PROJECT:
            version = f"{version}, {checkouts.describe(name)}"
        say(f"{' '.join([titles[name], version]).strip()}{remark}")
    say(
        f"Python {platform.python_version()}, null server in {served}, {os.cpu_count()} cores, "
        f"load {load:.1f} before and {os.getloadavg()[0]:.1f} after, "
        f"{race.processes} processes of each contender, {race.rounds} rounds in each."
    )
    say()
    say(report.text(report.spreads(results, titles)))
    say()
    say(report.spread(results, titles))


if __name__ == "__main__":
    sys.exit(main())
