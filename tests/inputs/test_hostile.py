"""Every hostile file is refused with one line that names it, and costs little memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import hostile
import pytest

from pointllm.errors import InputError
from pointllm.inputs import read_input

READ_ALL = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import hostile
from pointllm.errors import InputError
from pointllm.inputs import read_input
for path in hostile.write_all(Path(sys.argv[1])).values():
    try:
        read_input(path)
    except InputError:
        pass
# Not getrusage: its peak is inherited from the process that started this one.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> dict[str, Path]:
    return hostile.write_all(tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize("name", hostile.FILES)
def test_a_hostile_file_is_refused_with_one_line_that_names_it(paths, name):
    with pytest.raises(InputError) as caught:
        read_input(paths[name])
    message = str(caught.value)
    assert name in message
    assert "\n" not in message
    assert 20 < len(message) < 500
    assert ";" in message, "the message says what to do"


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_refusing_all_hostile_files_takes_little_memory_and_says_nothing_on_stderr(tmp_path):
    command = [sys.executable, "-c", READ_ALL, str(tmp_path), str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1_000_000
    assert done.stderr == ""


def test_a_file_without_permission_is_refused(tmp_path):
    path = tmp_path / "locked.ply"
    path.write_bytes(b"ply\n")
    path.chmod(0)
    try:
        path.open("rb").close()
        pytest.skip("this user may read everything")
    except PermissionError:
        pass
    with pytest.raises(InputError, match="permission"):
        read_input(path)
