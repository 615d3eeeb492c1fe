"""Sessions: ``nox`` runs the gate (lint, docs and tests); the others are named with ``-s``."""

from __future__ import annotations

import os
from pathlib import Path

import nox

nox.options.sessions = ["lint", "docs", "tests"]
nox.options.reuse_existing_virtualenvs = True
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]
REQUIREMENTS = "tests/requirements.txt"
LOCK = "tests/requirements.lock"
PARALLEL = ["-n", "auto", "--dist", "worksteal"]
CACHED = {"PYTHONDONTWRITEBYTECODE": ""}
"""The tests start hundreds of processes, each of which would compile all modules again."""
RUNTIMES = ("ai-edge-litert==", "tflite-micro==")
UV, AUDIT, SBOM = "uv==0.13.9", "pip-audit==2.10.1", "cyclonedx-bom==7.5.0"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def _install(session: nox.Session) -> None:
    _install_lock(session)
    # The wheel's dependencies (torch) are not needed for the size functions that it carries.
    session.install("--no-deps", "-r", "tests/requirements-oracle.txt")
    session.install("--no-deps", "-e", ".")


def _install_lock(session: nox.Session) -> None:
    # All modules of all packages would be compiled, of which a session imports a tenth.
    session.install("--no-compile", "--require-hashes", "-r", LOCK)


@nox.session
def lint(session: nox.Session) -> None:
    """Format, lint and types: the gate before a commit."""
    _install_lock(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """The tests that run on a host, on all cores; arguments go to pytest (``-n 0``: one core).

    Of those marked ``long`` a quarter, another each day: the session of that name runs all.
    """
    _install(session)
    session.run("pytest", *PARALLEL, "--rotate", "--durations=10", *session.posargs, env=CACHED)


@nox.session
def long(session: nox.Session) -> None:
    """All tests of the families of which a day's run takes a quarter."""
    _install(session)
    session.run("pytest", *PARALLEL, "-m", "long", "--durations=10", *session.posargs, env=CACHED)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site from ``docs/`` into ``build/docs``; a warning is an error."""
    session.install("-r", "docs/requirements.txt", "-e", ".")
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-E", "docs", "build/docs")
    session.run("python", "-m", "tests.docs.offline", "build/docs")


@nox.session
def lowest(session: nox.Session) -> None:
    """The command line's tests with the oldest dependencies that pyproject.toml allows."""
    session.install(UV)
    python = str(Path(session.virtualenv.location, "bin", "python"))
    wanted = ["pip", "install", "--quiet", "--python", python, "--resolution", "lowest-direct"]
    tests = ["pytest>=8.3", "pytest-xdist>=3.6", "hypothesis>=6.100", "jsonschema>=4.23"]
    tests += [line for line in _lines(REQUIREMENTS) if line.startswith(RUNTIMES)]
    session.run("uv", *wanted, "--editable", ".", *tests)
    folders = ("tests/cli", "tests/io", "tests/report")
    session.run("pytest", "-q", *folders, *session.posargs)


@nox.session(python=PYTHONS)
def versions(session: nox.Session) -> None:
    """The tests on every Python that is supported and installed."""
    _install(session)
    session.run("pytest", *PARALLEL, "-q", *session.posargs, env=CACHED)


@nox.session
def determinism(session: nox.Session) -> None:
    """The same bytes from every Python that is supported; arguments: interpreters."""
    arguments = session.posargs or [f"python{version}" for version in PYTHONS]
    session.run("python", "benchmarks/determinism.py", *arguments)


@nox.session
def judge(session: nox.Session) -> None:
    """Random models under all options, by a judge that shares no code with the rules."""
    _install(session)
    arguments = session.posargs or ["--count", "10000"]
    session.run("python", "-m", "benchmarks.judge", *arguments)


@nox.session
def growth(session: nox.Session) -> None:
    """How time grows with the number of operators; fails where an exponent rises above 1.3."""
    _install(session)
    session.run("python", "benchmarks/growth.py", *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Write the locked test requirements, with hashes, for all Pythons and platforms."""
    session.install(UV)
    arguments = ["--universal", "--python-version", PYTHONS[0], "--generate-hashes", "--quiet"]
    header = (
        f"# Written by 'nox -s lock' from {REQUIREMENTS}: all packages and platforms, hashes.\n"
    )
    plain = ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    session.run("uv", "pip", "compile", *arguments, *plain, REQUIREMENTS, "--output-file", LOCK)
    Path(LOCK).write_text(header + Path(LOCK).read_text())


@nox.session
def audit(session: nox.Session) -> None:
    """Known vulnerabilities of what tests and users install; fails where they can't be asked."""
    session.install(AUDIT)
    options = ["--strict", "--progress-spinner", "off", "--disable-pip", "--require-hashes"]
    session.run("pip-audit", *options, "-r", LOCK, *session.posargs)


@nox.session
def sbom(session: nox.Session) -> None:
    """Write build/sbom.json, CycloneDX, of what 'pip install tflopt[verify]' installs."""
    session.install("-c", REQUIREMENTS, ".[verify]")
    python = str(Path(session.virtualenv.location, "bin", "python"))
    tools = session.create_tmp()
    session.run("python", "-m", "venv", f"{tools}/sbom", silent=True)
    session.run(f"{tools}/sbom/bin/pip", "install", "-q", SBOM, external=True)
    Path("build").mkdir(exist_ok=True)
    options = ["--output-reproducible", "--pyproject", "pyproject.toml"]
    options += ["-o", "build/sbom.json"]
    session.run(f"{tools}/sbom/bin/cyclonedx-py", "environment", *options, python, external=True)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure sizes, times and memory, also of other tools (docs/benchmarks.md)."""
    _install(session)
    path = os.environ["PATH"]
    if "--only" not in session.posargs or "others" in session.posargs:
        path = f"{path}{os.pathsep}{_other_tools(session)}"
    session.run("python", "benchmarks/run.py", *session.posargs, env={"PATH": path})


def _other_tools(session: nox.Session) -> str:
    """Where helia-aot and Vela are installed, apart: they want other versions of what we use."""
    programs = session.cache_dir.resolve() / "other-tools" / "bin"
    if not (programs / "vela").exists():
        session.run("python", "-m", "venv", str(programs.parent))
        arguments = ("install", "-q", "-r", "benchmarks/requirements-others.txt")
        session.run(str(programs / "pip"), *arguments, external=True, success_codes=[0, 1])
    return str(programs)


@nox.session
def calibrate(session: nox.Session) -> None:
    """Measure layers on an emulator and fit a core's cost table: --target CORE --tflm-lib DIR."""
    _install(session)
    session.run("python", "benchmarks/calibrate.py", *session.posargs)


@nox.session
def oracle(session: nox.Session) -> None:
    """Compare 200,000 layers with CMSIS-NN's own size functions."""
    _install(session)
    arguments = session.posargs or ["--layers", "200000", "--seed", "1"]
    session.run("python", "benchmarks/scratch_oracle.py", *arguments)


@nox.session
def kernels(session: nox.Session) -> None:
    """Compare the models of the integer kernels with TFLM on 100,000 parameter sets each."""
    _install(session)
    session.run("python", "benchmarks/kernels.py", *(session.posargs or ["--sets", "100000"]))


@nox.session
def fuzz(session: nox.Session) -> None:
    """Random models through the optimizer and TFLM (docs/fuzzing.md)."""
    _install(session)
    arguments = session.posargs or ["--models", "10000", "--seed", "1"]
    session.run("python", "benchmarks/fuzz.py", *arguments)


@nox.session
def hostile(session: nox.Session) -> None:
    """Mutated model files: optimized, or refused with a reason (docs/fuzzing.md)."""
    _install(session)
    arguments = session.posargs or ["--mutations", "50000", "--seed", "1"]
    session.run("python", "benchmarks/hostile.py", *arguments)


@nox.session(name="fuzz-reader", python="3.11")
def fuzz_reader(session: nox.Session) -> None:
    """Coverage-guided fuzzing of the reader with atheris (docs/fuzzing.md)."""
    session.install("-r", "benchmarks/requirements-atheris.txt")
    session.install("--no-deps", "-e", ".")
    arguments = session.posargs or ["--runs", "1000000", "--seed", "1"]
    session.run("python", "benchmarks/fuzz_reader.py", *arguments)


@nox.session
def deoptimize(session: nox.Session) -> None:
    """Clean models made worse and optimized again (docs/fuzzing.md)."""
    _install(session)
    arguments = session.posargs or ["--models", "500", "--seed", "1"]
    session.run("python", "benchmarks/deoptimize.py", *arguments)


@nox.session
def explorer(session: nox.Session) -> None:
    """Bundle the report's script with its libraries (needs Node.js and npm)."""
    folder = "tflopt/report/html/script"
    with session.chdir(folder):
        session.run("npm", "ci", "--no-fund", "--no-audit", external=True)
        session.run("node", "build.mjs", external=True)


@nox.session(python="3.11")
def testdata(session: nox.Session) -> None:
    """Generate the test models again with TensorFlow (arguments: names of models)."""
    session.install("-r", "testdata/generator/requirements-tensorflow.txt")
    session.run("python", "testdata/generate.py", *session.posargs)
