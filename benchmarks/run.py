"""Measures dynamodb_py beside boto3, PynamoDB, pydynox and aiodynamo: CPU, side by side.

    python benchmarks/run.py                      everything, about five minutes
    python benchmarks/run.py --quick              everything, fewer and shorter rounds
    python benchmarks/run.py --only get,query --contenders dynamodb_py,boto3 --quick
    python benchmarks/run.py --check              exit status 1 where a floor is not met
    python benchmarks/run.py --rst                the table of the README

README.rst beside this file says what is measured, and how.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import checking
import contenders
import null_server
import report
from report import Results

HERE = Path(__file__).resolve().parent
PATIENCE = 120.0  # seconds for one answer of a worker
STEPS = [m.name for m in report.MEASURES if m.unit == "us"]
STARTS = ("import", "cold")


def say(line: str = "") -> None:
    """Write to standard output."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def note(line: str) -> None:
    """Write to standard error: progress, and what could not be measured."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


class WorkerError(Exception):
    """A worker could not do what it was asked for."""


class Worker:
    """The process of one contender."""

    def __init__(self, name: str, endpoint: str, home: str) -> None:
        command = [sys.executable, str(HERE / "worker.py"), name, endpoint]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(endpoint, home),
        )
        try:
            self._answer()
        except WorkerError:
            self.close()
            raise

    def ask(self, do: str, **arguments: Any) -> Any:
        """Have *do* done and return what came of it; WorkerError where that failed."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        # One answer follows one question, so nothing can wait in the file's own buffer.
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            self.process.kill()
            raise WorkerError(f"no answer within {PATIENCE:.0f} seconds")
        line = self.process.stdout.readline()
        if not line:
            raise WorkerError(f"the process ended with status {self.process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer.get("value")

    def close(self) -> None:
        """End the process."""
        try:
            self.process.communicate(timeout=10)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self.process.kill()
            self.process.communicate()


def environment(endpoint: str, home: str) -> dict[str, str]:
    """Return the environment of a child: credentials in it, and nothing of this machine's AWS.

    Nor of its PYTHONDONTWRITEBYTECODE and the like: whoever is not installed by pip would be
    compiled anew by each process. Bytecode goes into *home*.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PYTHON")) or name in ("PYTHONPATH", "PYTHONHOME")
    }
    path = os.pathsep.join([str(HERE.parent), *filter(None, [kept.get("PYTHONPATH")])])
    return {
        **kept,
        "HOME": home,
        "PYTHONPATH": path,  # dynamodb_py as it is in this checkout
        "PYTHONPYCACHEPREFIX": os.path.join(home, "bytecode"),
        "AWS_ACCESS_KEY_ID": contenders.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": contenders.SECRET_KEY,
        "AWS_DEFAULT_REGION": contenders.REGION,
        "AWS_REGION": contenders.REGION,
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class Race:
    """One run: which contenders, which measures, how many rounds of how many seconds."""

    def __init__(self, names: Sequence[str], measures: Sequence[str], *, quick: bool) -> None:
        self.measures = list(measures)
        self.rounds, self.seconds = (5, 0.08) if quick else (15, 0.25)
        self.starts = 3 if quick else 11
        self.results = Results(list(names))
        self.classes: dict[str, type[contenders.Contender]] = {}
        self.problems: list[str] = []
        self.bare: dict[str, list[str]] = {}  # the steps that have a bare twin, by contender
        self.home = ""

    def titles(self) -> dict[str, str]:
        """Return what the contenders are called in the report."""
        titles = {
            name: self.classes[name].title if name in self.classes else name
            for name in contenders.NAMES
        }
        return {**titles, report.QUERYSET: "query set", report.BARE: "bare request"}

    def run(self, server: null_server.Server) -> None:
        """Check, then measure everything."""
        with tempfile.TemporaryDirectory(prefix="benchmark-home-") as self.home:
            sound = self._check_all()
            with contextlib.ExitStack() as stack:
                workers = {
                    name: stack.enter_context(self._worker(name, server.url)) for name in sound
                }
                self._time_steps(workers, sound)
                self._time_bare(workers, sound)
                self._measure_memory(workers)
            self._time_starts(sound, server.url)
        self.results.contenders = [name for name in self.results.contenders if name in sound]

    @contextlib.contextmanager
    def _worker(self, name: str, endpoint: str) -> Iterator[Worker]:
        worker = Worker(name, endpoint, self.home)
        try:
            yield worker
        finally:
            worker.close()

    def _check_all(self) -> dict[str, list[str]]:
        """Return the contenders that can be measured: name -> steps that do what they should."""
        sound: dict[str, list[str]] = {}
        with null_server.recording() as (url, requests):
            for name in self.results.contenders:
                try:
                    self.classes[name] = contenders.find(name)
                    with self._worker(name, url) as worker:
                        sound[name] = self._check(name, worker, requests)
                except Exception as error:  # not installed, or not as this contender knows it
                    self._problem(name, None, f"{type(error).__name__}: {error}")
        return sound

    def _check(self, name: str, worker: Worker, requests: list[null_server.Request]) -> list[str]:
        wanted = set(self.measures)
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
        self._check_bare(name, worker, requests, good)
        return good

    def _check_bare(
        self, name: str, worker: Worker, requests: list[null_server.Request], good: list[str]
    ) -> None:
        """Note the steps among *good* that send just what their bare twin does."""
        for step in (step for step in worker.ask("bare") if step in good):
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
                self._problem(name, f"{step}, bare", problem)
            else:
                self.bare.setdefault(name, []).append(step)

    def _problem(self, name: str, step: str | None, what: str) -> None:
        self.problems.append(f"{name}{f', {step}' if step else ''}: {what}")

    def _time_steps(self, workers: dict[str, Worker], sound: dict[str, list[str]]) -> None:
        for step in (step for step in self.measures if step in STEPS):
            counts = {
                name: self._count(worker, step)
                for name, worker in workers.items()
                if step in sound[name]
            }
            names = list(counts)
            note(f"{step}: {', '.join(f'{name} {counts[name]}x' for name in names)}")
            for _ in range(self.rounds):
                for name in names:
                    cpu = workers[name].ask("time", step=step, count=counts[name])
                    self.results.add(step, name, cpu)
                names = names[1:] + names[:1]  # nobody is always first

    def _time_bare(self, workers: dict[str, Worker], sound: dict[str, list[str]]) -> None:
        for name, steps in self.bare.items():
            for step in (step for step in steps if step in sound[name]):
                count = self._count(workers[name], step)
                note(f"{step} beside its bare twin: {count}x")
                for _ in range(self.rounds):
                    ours, bare = workers[name].ask("beside", step=step, count=count)
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
            try:
                for measure, size in worker.ask("memory").items():
                    if measure in self.measures:
                        self.results.add(measure, name, size)
            except WorkerError as error:
                self._problem(name, "memory", str(error))

    def _time_starts(self, sound: dict[str, list[str]], url: str) -> None:
        wanted = [start for start in STARTS if start in self.measures]
        if not wanted:
            return
        programs = {
            (start, name): self.classes[name].imports
            if start == "import"
            else self.classes[name].cold
            for start in wanted
            for name in sound
        }
        env = environment(url, self.home)
        for place, program in list(programs.items()):  # bytecode is written, files are cached
            try:
                cpu_of(program, env)
            except WorkerError as error:
                self._problem(place[1], place[0], str(error))
                del programs[place]
        note(f"{', '.join(wanted)}: {self.starts} rounds")
        for _ in range(self.starts):
            bare = cpu_of("pass", env)
            for (start, name), program in programs.items():
                self.results.add(start, name, max(cpu_of(program, env) - bare, 0.0))


def cpu_of(program: str, env: dict[str, str]) -> float:
    """Run *program* in a fresh interpreter; return its CPU seconds, user and system."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", program], env=env, stderr=errors, cwd=env["HOME"]
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            last = errors.read().strip().splitlines()[-1:] or ["no message"]
            raise WorkerError(last[0])
    return usage.ru_utime + usage.ru_stime


def version_of(distribution: str) -> str:
    """Return the version of an installed distribution."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "this checkout"


def chosen(text: str | None, names: Sequence[str], what: str) -> list[str]:
    """Return the *names* that *text* asks for: ``query`` is ``query`` and ``query_unread``."""
    if text is None:
        return list(names)
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [
        part for part in wanted if not any(_is_asked_for(name, part, what) for name in names)
    ]
    if unknown or not wanted:
        raise SystemExit(f"no such {what}: {', '.join(unknown)}; there are {', '.join(names)}")
    return [name for name in names if any(_is_asked_for(name, part, what) for part in wanted)]


def _is_asked_for(name: str, part: str, what: str) -> bool:
    return name == part or (what == "measure" and name.startswith(f"{part}_"))


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--only", metavar="MEASURES", help="comma-separated: get,put,query,...")
    parser.add_argument("--contenders", metavar="NAMES", help=", ".join(contenders.NAMES))
    parser.add_argument("--check", action="store_true", help="exit 1 where a floor is not met")
    parser.add_argument("--rst", action="store_true", help="print the table of the README alone")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all samples to FILE")
    parser.add_argument("--python-server", action="store_true", help="not the null server in C")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and return the exit status: 1 for a floor not met or a contender wrong."""
    options = arguments(argv)
    only, names = options.only, options.contenders
    if options.check and only is None:
        only = ",".join(dict.fromkeys(measure for measure, _, _ in report.FLOORS))
    if options.check and names is None:
        names = ",".join([report.PROJECT, *report.RIVALS])
    measures = chosen(only, [measure.name for measure in report.MEASURES], "measure")
    race = Race(chosen(names, contenders.NAMES, "contender"), measures, quick=options.quick)
    load = os.getloadavg()[0]
    with null_server.running(python=options.python_server) as server:
        note(f"null server: {server.kind}, {server.url}")
        race.run(server)
    return finish(race, options, server.kind, load)


def finish(race: Race, options: argparse.Namespace, kind: str, load: float) -> int:
    """Print what came of *race*; return the exit status."""
    results, titles = race.results, race.titles()
    if options.json:
        samples = {f"{m}/{name}": values for (m, name), values in results.samples.items()}
        options.json.write_text(json.dumps(samples, indent=1) + "\n")
    if options.rst:
        say(report.readme(results, titles))
    elif results.samples:
        print_tables(race, kind, load)
    for problem in race.problems:
        note(f"NOT MEASURED: {problem}")
    met = True
    if options.check:
        lines, met = report.floors(results, titles)
        say(lines)
    return 0 if met and not race.problems else 1


def print_tables(race: Race, kind: str, load: float) -> None:
    """Print the medians, the ratios, and how far they can be trusted."""
    results, titles = race.results, race.titles()
    say(report.text(report.medians(results, titles)))
    for rival in report.RIVALS:
        if rival in results.contenders:
            say()
            say(report.text(report.ratios(results, titles, rival)))
    beside = report.over_bare(results, titles)
    if len(beside) > 1:
        say()
        say(report.text(beside))
    say()
    for name in results.contenders:
        contender = race.classes[name]
        remark = f": {contender.note}" if contender.note else ""
        say(f"{contender.title} {version_of(contender.distribution)}{remark}")
    say(
        f"Python {platform.python_version()}, null server in {kind}, {os.cpu_count()} cores, "
        f"load {load:.1f} before and {os.getloadavg()[0]:.1f} after, {race.rounds} rounds."
    )
    say(report.spread(results, titles))


if __name__ == "__main__":
    sys.exit(main())
