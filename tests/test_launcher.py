"""./run, tried on machines that are not there.

Each test lays out a small machine: a clone in a folder with a space in its name, a ``bin``
that is the whole PATH, and programs in it that write their arguments to a diary.  So every
branch of the launcher runs in milliseconds, installs nothing, and needs no network; the real
thing, on a bare system, is ``tests/chroot/bare_machine.sh``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BASH = shutil.which("bash") or "/bin/bash"
# All that the launcher may expect of a machine that has nothing.
COREUTILS = ["cat", "cksum", "env", "mkdir", "mv", "readlink", "rm", "rmdir", "sleep"]

PYTHON = """#!{bash}
case "$*" in
  *"import pip"*) exit 0 ;;
  *"print("*) echo "python ${{FAKE_VERSION:-3.11}}"; exit 0 ;;
  "-I "*) exit 0 ;;
  --version) echo "Python 3.11.0"; exit 0 ;;
esac
echo "python $*" >>"{diary}"
case "$*" in
  "-m venv "*)
    mkdir -p "$3/bin"
    : >"$3/pyvenv.cfg"
    cat "{bin}/python3" >"$3/bin/python"
    for name in patina-lab jupyter ruff mypy nbstripout; do cat "{bin}/tool" >"$3/bin/$name"; done
    "{chmod}" +x "$3"/bin/* ;;
  "-m pip install"*)
    if [ -n "${{SLOW_PIP:-}}" ]; then sleep 1; fi
    if [ -n "${{BAD_PIP:-}}" ]; then echo "ERROR: no room"; exit 1; fi ;;
esac
"""
TOOL = """#!{bash}
echo "${{0##*/}} $*" >>"{diary}"
case " ${{BAD_TOOLS:-}} " in *" ${{0##*/}} "*) exit 1 ;; esac
"""
APT = """#!{bash}
echo "apt-get $* ($DEBIAN_FRONTEND)" >>"{diary}"
case "$*" in
  *update*) : >"{bin}/lists" ;;
  *install*) [ -e "{bin}/lists" ] || {{ echo "E: Unable to locate package"; exit 100; }}
    cd "{bin}"
    for name in python3 git swipl; do cat ".$name" >"$name"; "{chmod}" +x "$name"; done ;;
esac
"""
UV = """#!{bash}
echo "uv $*" >>"{diary}"
if [ -n "${{BAD_UV:-}}" ]; then echo "error: invalid peer certificate"; exit 2; fi
case "$1" in
  venv) for last; do :; done; python3 -m venv "$last" ;;
esac
"""


class Machine:
    """A clone, a PATH, and the diary of what was started."""

    def __init__(self, tmp_path: Path) -> None:
        self.root = tmp_path / "a clone"
        self.bin = tmp_path / "bin"
        self.diary = tmp_path / "diary"
        self.root.mkdir()
        self.bin.mkdir()
        for name in ("run", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.root / name)
        for name in COREUTILS:
            (self.bin / name).symlink_to(str(shutil.which(name)))

    def give(self, name: str, text: str = TOOL) -> None:
        """Put a program on the PATH; a leading dot keeps it in stock for apt-get."""
        path = self.bin / name
        path.write_text(
            text.format(bash=BASH, bin=self.bin, diary=self.diary, chmod=shutil.which("chmod"))
        )
        path.chmod(0o755)

    def start(self, *args: str, cwd: Path | None = None, **env: str) -> subprocess.Popen[str]:
        """Start ./run on this machine, with nothing in its environment but PATH and HOME."""
        return subprocess.Popen(
            [BASH, str(self.root / "run"), *args],
            cwd=cwd or self.root,
            env={"PATH": str(self.bin), "HOME": str(self.root.parent), **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, *args: str, cwd: Path | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Start ./run and wait for it."""
        process = self.start(*args, cwd=cwd, **env)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def started(self, prefix: str = "") -> list[str]:
        """Return the diary's lines with this prefix, and tear them out."""
        if not self.diary.exists():
            return []
        lines = self.diary.read_text().splitlines()
        self.diary.unlink()
        return [line for line in lines if line.startswith(prefix)]


@pytest.fixture
def bare(tmp_path: Path) -> Machine:
    """Coreutils and nothing else."""
    return Machine(tmp_path)


@pytest.fixture
def machine(bare: Machine) -> Iterator[Machine]:
    """Python and git are here, both of them impostors."""
    bare.give("tool")
    bare.give("git")
    bare.give("swipl")
    bare.give("python3", PYTHON)
    yield bare
    assert not (bare.root / ".venv.tmp").exists(), "a good set-up leaves no lock and no log"


def sentence(result: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that a failure may print, after progress lines."""
    lines = [line for line in result.stderr.splitlines() if not line.startswith("patina: ")]
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("run: "), lines[0]
    return lines[0]


# -- the script itself --------------------------------------------------------------------------

NEWER_THAN_BASH_3_2 = re.compile(
    r"declare -[gAn]|local -[nA]|mapfile|readarray|\|&|&>>|;;&|coproc|EPOCH|BASHPID"
    r"|\$\{\w+(,,|\^\^|@[A-Z])|\[ -v |\[\[ -v "
)


@pytest.mark.parametrize("script", ["run", ".ci/run", "tests/chroot/bare_machine.sh"])
def test_bash_parses_every_script(script: str) -> None:
    """A syntax error in a branch that no test takes is found all the same."""
    assert subprocess.run([BASH, "-n", str(ROOT / script)], check=False).returncode == 0
    assert os.access(ROOT / script, os.X_OK)


def test_launcher_uses_only_what_bash_3_2_has() -> None:
    """MacOS ships bash 3.2; the control shows that the pattern sees a newer word."""
    assert NEWER_THAN_BASH_3_2.search((ROOT / "run").read_text()) is None
    assert NEWER_THAN_BASH_3_2.search('declare -A seen; echo "${name,,}"')


# -- usage --------------------------------------------------------------------------------------


def test_help_is_the_default(bare: Machine) -> None:
    """Without a verb the launcher explains itself and starts nothing."""
    result = bare.run()
    assert result.returncode == 0
    assert result.stdout == bare.run("--help").stdout
    for verb in ("demo", "test", "lab", "doctor", "lint", "setup"):
        assert f"\n  {verb} " in result.stdout


def test_unknown_verb_is_usage(bare: Machine) -> None:
    """A typo gets the list of verbs, in one sentence, and exit 2."""
    result = bare.run("dmeo")
    assert result.returncode == 2
    assert "'dmeo'" in sentence(result)
    assert "demo, test, lab, doctor, lint, setup" in sentence(result)


def test_unknown_extra_is_usage(machine: Machine) -> None:
    """An extra that pyproject.toml lacks is refused before anything is installed."""
    result = machine.run("setup", "embedd")
    assert result.returncode == 2
    assert "embed" in sentence(result)
    assert machine.started() == []


def test_named_python_must_run(machine: Machine) -> None:
    """PATINA_PYTHON is a decision, not a hint: a wrong one is refused."""
    result = machine.run("setup", PATINA_PYTHON="/nowhere/python3")
    assert result.returncode == 2
    assert "PATINA_PYTHON=/nowhere/python3" in sentence(result)


def test_incomplete_clone_is_said(machine: Machine) -> None:
    """Half a download gets a sentence, not a bash error."""
    (machine.root / "constraints.txt").unlink()
    result = machine.run("setup")
    assert result.returncode == 1
    assert "clone it again" in sentence(result)


# -- a machine without anything -----------------------------------------------------------------


def test_doctor_needs_nothing(bare: Machine) -> None:
    """With nothing installed, doctor names each missing thing and one command for it."""
    result = bare.run("doctor")
    assert result.returncode == 3
    assert "Python git" in sentence(result)
    rows = {line.split()[0]: line for line in result.stdout.splitlines()}
    for tool in ("python", "git", "swipl", "compiler", "chromium"):
        assert re.search(r"(apt-get|dnf|brew) install|conda env create", rows[tool]), rows[tool]
    assert rows["python"].split()[1] == rows["git"].split()[1] == "MISSING"
    assert rows["bash"].split()[1] == "here"
    assert "pip install uv" in rows["uv"]
    assert "./run setup" in rows[".venv"]
    assert not (bare.root / ".venv").exists()


def test_doctor_of_a_machine_that_only_lacks_the_environment(machine: Machine) -> None:
    """What the first ./run makes by itself is no failure."""
    result = machine.run("doctor")
    assert (result.returncode, result.stderr) == (0, "")


def test_doctor_hands_over_to_the_package(machine: Machine) -> None:
    """Once set up, the launcher's table is followed by the package's own."""
    machine.run("setup")
    machine.started()
    assert machine.run("doctor").returncode == 0
    assert machine.started("patina-lab") == ["patina-lab doctor"]


@pytest.mark.parametrize("verb", ["demo", "test", "lab", "lint", "setup"])
def test_forbidden_system_install_names_the_command(bare: Machine, verb: str) -> None:
    """PATINA_NO_SYSTEM=1: no package manager is started, one sentence says what to type."""
    for name in ("apt-get", "dnf", "brew", "sudo"):
        bare.give(name)
    result = bare.run(verb, PATINA_NO_SYSTEM="1")
    assert result.returncode == 3
    assert re.search(
        r"Python 3\.11 or newer .*missing; install it with `.*install.*`", sentence(result)
    )
    assert f"repeat ./run {verb}" in sentence(result)
    assert bare.started() == []
    assert not (bare.root / ".venv").exists()


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has brew")
def test_apt_brings_what_is_missing(bare: Machine) -> None:
    """Quietly, without recommendations, and with new lists only when the old ones fail."""
    bare.give("tool")
    bare.give("sudo", '#!{bash}\nexec "$@"\n')
    bare.give("apt-get", APT)
    bare.give(".git", TOOL)
    bare.give(".swipl", TOOL)
    bare.give(".python3", PYTHON)
    result = bare.run("demo")
    assert result.returncode == 0, result.stderr
    apt = [line for line in bare.started() if line.startswith(("apt-get", "patina-lab"))]
    assert [line.split()[4] for line in apt[:3]] == ["install", "update", "install"]
    assert all("noninteractive" in line for line in apt[:3])
    assert "--no-install-recommends python3 python3-venv git swi-prolog-nox" in apt[0]
    assert apt[3] == "patina-lab demo"


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has brew")
@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("dnf", "dnf install -y -q python3.12 git pl"),
        ("brew", "brew install -q python@3.13 git swi-prolog"),
    ],
)
def test_other_package_managers(bare: Machine, manager: str, command: str) -> None:
    """Fedora's and Homebrew's names for the same three; one try each, as a failure shows."""
    bare.give("sudo", '#!{bash}\nexec "$@"\n')
    bare.give(manager, '#!{bash}\necho "${{0##*/}} $*" >>"{diary}"\nexit 1\n')
    result = bare.run("demo")
    assert result.returncode == 3
    assert bare.started()[0] == command
    assert f"{manager} install" in sentence(result)


def test_prolog_is_never_fatal(machine: Machine) -> None:
    """Only Prolog rule sets need SWI-Prolog: its absence is one line, once."""
    (machine.bin / "swipl").unlink()
    first = machine.run("setup", PATINA_NO_SYSTEM="1")
    assert first.returncode == 0
    assert first.stderr.count("SWI-Prolog") == 1
    assert "SWI-Prolog" not in machine.run("setup", PATINA_NO_SYSTEM="1").stderr


def test_demo_needs_git_even_after_the_set_up(machine: Machine) -> None:
    """Git that went away later is named by the launcher, not by a traceback."""
    machine.run("setup")
    (machine.bin / "git").unlink()
    result = machine.run("demo")
    assert result.returncode == 3
    assert "git is missing" in sentence(result)


# -- the stamp ----------------------------------------------------------------------------------


def test_second_run_installs_nothing(machine: Machine) -> None:
    """The same inputs, folder and Python: neither venv nor pip is started again."""
    assert machine.run("demo").returncode == 0
    first = machine.started()
    assert [line.split()[2] for line in first if line.startswith("python")] == ["venv", "pip"]
    assert first[-1] == "patina-lab demo"
    assert machine.run("demo").returncode == 0
    assert machine.started() == ["patina-lab demo"]


def test_install_is_pinned(machine: Machine) -> None:
    """Each verb asks for its extras, under the constraints."""
    machine.run("demo")
    assert machine.started("python -m pip")[0].endswith("-c constraints.txt -e .[lab]")
    machine.run("test")
    assert machine.started("python -m pip")[0].endswith("-c constraints.txt -e .[lab,dev]")
    machine.run("setup", "embed")
    assert machine.started("python -m pip")[0].endswith("-e .[lab,dev,embed]")


def test_more_extras_join_the_environment(machine: Machine) -> None:
    """`demo` then `test` fills the same environment; `demo` again finds its extras there."""
    machine.run("demo")
    machine.started()
    machine.run("test", "-k", "two words")
    lines = machine.started("python")
    assert [line.split()[2] for line in lines] == ["pip", "pytest"]
    given = "-n 2 --dist worksteal -m not chroot and not notebook -k two words"
    assert lines[1] == f"python -m pytest {given}"
    machine.run("demo")
    assert machine.started() == ["patina-lab demo"]


@pytest.mark.parametrize("name", ["constraints.txt", "pyproject.toml"])
def test_changed_inputs_are_installed(machine: Machine, name: str) -> None:
    """After a pull that moved a pin, the environment follows, in place."""
    machine.run("setup")
    machine.started()
    with (machine.root / name).open("a") as file:
        file.write("# changed\n")
    machine.run("setup")
    assert [line.split()[2] for line in machine.started("python")] == ["pip"]


def test_moved_clone_is_rebuilt(machine: Machine) -> None:
    """An environment holds absolute paths: elsewhere it is made anew."""
    machine.run("setup")
    machine.started()
    machine.root = machine.root.rename(machine.root.with_name("elsewhere"))
    assert machine.run("setup").returncode == 0
    assert [line.split()[2] for line in machine.started("python")] == ["venv", "pip"]


def test_vanished_python_is_rebuilt(machine: Machine) -> None:
    """A system upgrade took the interpreter: the link in the environment points nowhere."""
    machine.run("setup")
    machine.started()
    python = machine.root / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3.11")
    assert machine.run("setup").returncode == 0
    assert [line.split()[2] for line in machine.started("python")] == ["venv", "pip"]


def test_changed_python_is_rebuilt(machine: Machine) -> None:
    """The same link, but Python 3.12 behind it: packages of 3.11 are invisible to it."""
    machine.run("setup")
    machine.started()
    assert machine.run("setup", FAKE_VERSION="3.12").returncode == 0
    assert [line.split()[2] for line in machine.started("python")] == ["venv", "pip"]


def test_interrupted_set_up_starts_afresh(machine: Machine) -> None:
    """A first set-up that died leaves no environment that looks whole."""
    result = machine.run("setup", BAD_PIP="1")
    assert result.returncode == 1
    assert "ERROR: no room" in sentence(result)
    assert "setup.log" in sentence(result)
    assert not (machine.root / ".venv/.patina-stamp").exists()
    machine.started()
    assert machine.run("setup").returncode == 0
    assert [line.split()[2] for line in machine.started("python")] == ["venv", "pip"]


def test_failed_upgrade_keeps_what_worked(machine: Machine) -> None:
    """Without network `./run test` cannot add its extras, but `./run demo` still runs."""
    machine.run("demo")
    assert machine.run("test", BAD_PIP="1").returncode == 1
    machine.started()
    assert machine.run("demo", BAD_PIP="1").returncode == 0
    assert machine.started() == ["patina-lab demo"]
    assert machine.run("setup").returncode == 0


def test_environment_made_by_hand_is_kept(machine: Machine) -> None:
    """Somebody's own .venv is filled, not removed."""
    subprocess.run(
        [machine.bin / "python3", "-m", "venv", machine.root / ".venv"],
        env={"PATH": str(machine.bin)},
        check=True,
    )
    mine = machine.root / ".venv/mine"
    mine.touch()
    machine.started()
    assert machine.run("setup", BAD_PIP="1").returncode == 1
    assert machine.run("setup").returncode == 0
    assert mine.exists()
    assert machine.started("python -m venv") == []


# -- uv -----------------------------------------------------------------------------------------


def test_uv_is_used_when_it_is_here(machine: Machine) -> None:
    """With uv on PATH pip is not started, and Pythons are not downloaded."""
    machine.give("uv", UV)
    assert machine.run("setup").returncode == 0
    lines = machine.started()
    assert any(line.startswith("uv pip install") and "-c constraints.txt" in line for line in lines)
    assert not any("-m pip install" in line for line in lines)
    assert not (machine.root / "uv.lock").exists()


def test_failing_uv_falls_back_to_pip(machine: Machine) -> None:
    """A private certificate authority stops uv: pip, which knows it, goes on."""
    machine.give("uv", UV)
    result = machine.run("setup", BAD_UV="1")
    assert result.returncode == 0, result.stderr
    assert "certificate is not trusted" in result.stderr
    assert [line.split()[2] for line in machine.started("python")] == ["venv", "pip"]


# -- from anywhere, all at once -----------------------------------------------------------------


def test_paths_are_the_callers(machine: Machine) -> None:
    """A path means what it says where it was typed, spaces and all."""
    elsewhere = machine.root.parent / "my work"
    elsewhere.mkdir()
    for form in (["--repo", "some repo"], ["--repo=some repo"]):
        assert machine.run("demo", *form, cwd=elsewhere).returncode == 0
        (line,) = machine.started("patina-lab")
        assert line.replace("=", " ") == f"patina-lab demo --repo {elsewhere}/some repo"


def test_launcher_may_be_linked(machine: Machine) -> None:
    """A link on PATH finds the clone behind it."""
    link = machine.root.parent / "patina"
    link.symlink_to("a clone/run")
    result = subprocess.run(
        [BASH, link, "demo"], env={"PATH": str(machine.bin)}, capture_output=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert (machine.root / ".venv/.patina-stamp").exists()


def test_closed_stdin(machine: Machine) -> None:
    """Cron and CI close stdin; nothing may trip over it or read from it."""
    result = subprocess.run(
        [BASH, "-c", 'exec "$0" "$1" demo <&-', BASH, str(machine.root / "run")],
        env={"PATH": str(machine.bin)},
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_lab_is_quiet(machine: Machine) -> None:
    """JupyterLab starts on notebooks/ without news and without update checks."""
    assert machine.run("lab", "--no-browser").returncode == 0
    (line,) = machine.started("jupyter")
    assert line.startswith("jupyter lab notebooks --LabApp.news_url=None")
    assert "NeverCheckForUpdate" in line
    assert "--no-browser" in line


def test_lint_runs_every_check(machine: Machine) -> None:
    """One failure does not hide the next; all are named in one sentence at the end."""
    (machine.root / "notebooks").mkdir()
    (machine.root / "notebooks/a b.ipynb").touch()
    assert machine.run("lint").returncode == 0
    checks = [line for line in machine.started() if not line.startswith("python")]
    assert [line.split(" -")[0].strip() for line in checks] == [
        "ruff check .",
        "ruff format",
        "mypy",
        "nbstripout",
    ]
    assert checks[3] == "nbstripout --verify notebooks/a b.ipynb"
    result = machine.run("lint", BAD_TOOLS="ruff mypy")
    assert result.returncode == 1
    assert "not clean: ruff check, ruff format, mypy;" in sentence(result)
    assert len(machine.started()) == 4


def test_lint_fix_mends_before_it_checks(machine: Machine) -> None:
    """--fix changes files and then judges what it left."""
    assert machine.run("lint", "--fix").returncode == 0
    assert machine.started("ruff")[0] == "ruff check -q --fix ."
    assert machine.run("lint", "--fixx").returncode == 2


def test_concurrent_runs_set_up_once(machine: Machine) -> None:
    """Two terminals, one set-up: the second waits and finds it done."""
    both = [machine.start("setup", SLOW_PIP="1") for _ in range(2)]
    assert [process.communicate(timeout=60) and process.returncode for process in both] == [0, 0]
    assert len(machine.started("python -m pip")) == 1


def test_lock_of_a_dead_run_is_broken(machine: Machine) -> None:
    """A launcher that was killed leaves its lock; the next one sees that nobody holds it."""
    gone = subprocess.Popen([BASH, "-c", "exit"])
    gone.wait()
    lock = machine.root / ".venv.tmp/lock"
    lock.mkdir(parents=True)
    (lock / "pid").write_text(f"{gone.pid}\n")
    assert machine.run("setup").returncode == 0


# -- the real thing -----------------------------------------------------------------------------


@pytest.mark.chroot
@pytest.mark.slow
def test_bare_machine() -> None:
    """Both README commands, on a system that has nothing but bash."""
    if os.environ.get("PATINA_CI_CHROOT") != "1":
        pytest.skip("minutes, root and debootstrap: PATINA_CI_CHROOT=1 says yes to that")
    script = ROOT / "tests/chroot/bare_machine.sh"
    assert subprocess.run([BASH, script], check=False).returncode == 0
