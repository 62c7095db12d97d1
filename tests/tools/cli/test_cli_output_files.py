"""Files that are written: complete, or as they were before, whatever goes wrong."""
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import joblib
import pytest

from command_line import QUICK, run, start
from sk_dsn._cli import models, output_files
from sk_dsn._cli.messages import CommandError

needs_posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX system")
LARGE = [*QUICK, "--hidden", "100,100"]  # A model of about 50 kB.


def write(path, data):
    output_files.check_output(path)
    with output_files.replaced_file(path) as file:
        file.write(data)


# Before the work


def test_folder_to_save_in_is_checked_before_training(tmp_path, capsys):
    assert run("train", tmp_path / "absent.csv", "--save", tmp_path / "no" / "model") == 2
    assert f"cannot write to folder {tmp_path / 'no'}: No such file" in capsys.readouterr().err
    assert run("train", tmp_path / "absent.csv", "--save", tmp_path) == 2
    assert f"{tmp_path} is not a regular file" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user whom modes keep from writing")
def test_folder_without_permission_is_refused(tmp_path, iris_csv, capsys):
    folder = tmp_path / "closed"
    folder.mkdir()
    for mode in (0o500, 0o000):
        folder.chmod(mode)
        assert run("train", iris_csv, "--save", folder / "model") == 2
        assert f"cannot write to folder {folder}: Permission denied" in capsys.readouterr().err


@pytest.fixture
def immutable():
    """Makes files and folders immutable, for root too."""
    if shutil.which("chattr") is None:
        pytest.skip("chattr is not installed")
    made = []

    def make_immutable(path):
        if subprocess.run(["chattr", "+i", path], capture_output=True, check=False).returncode:
            pytest.skip("the file system or the user cannot make files immutable")
        made.append(path)

    yield make_immutable
    for path in made:
        subprocess.run(["chattr", "-i", path], check=True)


@pytest.mark.parametrize("linked", [False, True])
def test_folder_that_even_root_cannot_write_to_is_refused(tmp_path, iris_csv, capsys, immutable, linked):
    folder = tmp_path / "closed"
    folder.mkdir()
    immutable(folder)
    path = folder / "model"
    if linked:
        path = tmp_path / "link"
        path.symlink_to(folder / "model")
    assert run("train", iris_csv, "--save", path) == 2
    assert f"cannot write to folder {folder}: " in capsys.readouterr().err


def test_file_that_cannot_be_written_is_refused(iris_csv, iris_model, capsys, immutable):
    immutable(iris_model)
    assert run("train", iris_csv, "--save", iris_model) == 2
    assert f"cannot write {iris_model}: " in capsys.readouterr().err


@pytest.mark.skipif(not os.path.isdir("/sys/kernel"), reason="needs /sys, where nobody can make files")
def test_system_folder_is_refused(iris_csv, capsys):
    assert run("train", iris_csv, "--save", "/sys/model") == 2
    assert "cannot write to folder /sys: " in capsys.readouterr().err


@needs_posix
def test_device_is_not_replaced(iris_csv, capsys):
    assert run("train", iris_csv, "--save", os.devnull) == 2
    assert "is not a regular file" in capsys.readouterr().err


@needs_posix
@pytest.mark.parametrize("command", ["train", "predict"])
def test_links_that_lead_nowhere_are_refused(tmp_path, iris_csv, iris_model, capsys, command):
    astray, loop, back = tmp_path / "astray", tmp_path / "loop", tmp_path / "back"
    astray.symlink_to(tmp_path / "no" / "model")
    loop.symlink_to(back)
    back.symlink_to(loop)
    through_file = iris_csv / "model"
    for path, message in [
        (astray, f"cannot write to folder {tmp_path / 'no'}: No such file or directory"),
        (loop, f"cannot write {loop}: Too many levels of symbolic links"),
        (through_file, f"cannot write {through_file}: Not a directory"),
        (tmp_path / ("a" * 256), "File name too long"),
    ]:
        option = ["--save", path] if command == "train" else [iris_csv, "--output", path]
        assert run(command, iris_csv if command == "train" else iris_model, *option) == 2
        assert message in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == sorted([astray, back, iris_csv, iris_model, loop])


@pytest.mark.parametrize("way", ["itself", "symbolic link", "hard link", "another path"])
def test_input_is_not_replaced(tmp_path, iris_csv, iris_model, capsys, monkeypatch, way):
    monkeypatch.chdir(tmp_path)
    for option, source in [("--save", iris_csv), ("--output", iris_csv), ("--output", iris_model)]:
        path = source
        if way == "another path":
            path = Path("..", tmp_path.name, source.name)
        elif way != "itself":
            path = tmp_path / "link"
            path.unlink(missing_ok=True)
            (path.symlink_to if way == "symbolic link" else path.hardlink_to)(source)
        before = source.read_bytes()
        arguments = ["train", iris_csv] if option == "--save" else ["predict", iris_model, iris_csv]
        assert run(*arguments, option, path) == 2
        assert f"{path} is read and would be replaced; name another file for the result" in capsys.readouterr().err
        assert source.read_bytes() == before


def test_mnist_is_not_replaced_by_a_model(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SK_DSN_DATA", str(tmp_path))
    assert run("train", "mnist", "--save", tmp_path / "mnist.npz") == 2
    assert "is read and would be replaced" in capsys.readouterr().err


def test_model_by_the_name_of_a_data_set_is_no_input(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("train", "digits", "--save", "digits", *QUICK) == 0


# In place of the old file


def test_model_is_replaced(iris_csv, iris_model):
    before = joblib.load(iris_model)
    assert run("train", iris_csv, "--save", iris_model, *QUICK) == 0
    assert joblib.load(iris_model)["network"].n_iter_ != before["network"].n_iter_


@needs_posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o755])
def test_mode_is_kept(tmp_path, mode):
    path = tmp_path / "file"
    path.touch()
    path.chmod(mode)
    write(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
def test_owner_is_kept(tmp_path):
    path = tmp_path / "file"
    path.touch()
    os.chown(path, 12345, 54321)
    path.chmod(0o640)
    write(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid, stat.S_IMODE(path.stat().st_mode)) == (12345, 54321, 0o640)


@needs_posix
@pytest.mark.parametrize("mask", [0o022, 0o077])
@pytest.mark.parametrize("with_tmpfile", [True, False])
def test_new_file_has_the_mode_that_the_user_wants(tmp_path, monkeypatch, mask, with_tmpfile):
    if not with_tmpfile:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    before = os.umask(mask)
    try:
        write(tmp_path / "file", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("new", [b"", b"short", b"longer than before"])
def test_hard_links_are_kept(tmp_path, new):
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_bytes(b"as before")
    other.hardlink_to(path)
    write(path, new)
    assert other.read_bytes() == new
    assert path.samefile(other)
    assert sorted(tmp_path.iterdir()) == [path, other]


@needs_posix
def test_symbolic_links_are_kept(tmp_path):
    path, target = tmp_path / "link", tmp_path / "deep" / "target"
    target.parent.mkdir()
    path.symlink_to(target)
    for data in (b"first", b"second"):
        write(path, data)
        assert path.is_symlink()
        assert target.read_bytes() == data
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("length", [200, 250, 255])
def test_long_names_are_written(tmp_path, length):
    path = tmp_path / ("a" * length)
    write(path, b"new")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("broken", ["open", "link"])
def test_file_systems_without_nameless_files_do(tmp_path, monkeypatch, broken):
    def fail(*_, **__):
        raise OSError(95, "Operation not supported")

    if broken == "open":
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    else:
        monkeypatch.setattr(os, "link", fail)
    path = tmp_path / "file"
    for data in (b"first", b"second"):
        write(path, data)
        assert path.read_bytes() == data
        assert list(tmp_path.iterdir()) == [path]


# When the work fails


def test_failed_training_leaves_the_model_saved_before(tmp_path, iris_csv, iris_model, capsys):
    before = iris_model.read_bytes()
    assert run("train", iris_csv, "--save", iris_model, "--learning-rate", "1e30", "--no-compare") == 2
    assert "error: Training diverged" in capsys.readouterr().err
    assert iris_model.read_bytes() == before


def test_unfinished_file_is_removed_and_the_old_one_kept(tmp_path, iris_csv, iris_model, capsys, monkeypatch):
    def dump(model, file):
        file.write(b"half a model")
        raise OSError(28, "No space left on device")

    before = iris_model.read_bytes()
    monkeypatch.setattr(models.joblib, "dump", dump)
    assert run("train", iris_csv, "--save", iris_model, *QUICK) == 1
    error = capsys.readouterr().err
    assert error.endswith(f"error: cannot write {iris_model}: No space left on device.\n")
    assert iris_model.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [iris_csv, iris_model]


def test_interrupted_saving_leaves_the_old_file(tmp_path, iris_csv, iris_model, capsys, monkeypatch):
    def dump(model, file):
        file.write(b"half a model")
        raise KeyboardInterrupt

    before = iris_model.read_bytes()
    monkeypatch.setattr(models.joblib, "dump", dump)
    assert run("train", iris_csv, "--save", iris_model, *QUICK) == 130
    assert iris_model.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [iris_csv, iris_model]


def test_network_is_not_lost_when_its_file_cannot_be_written(tmp_path, iris_csv, capsys, monkeypatch):
    def replace(*_):
        raise OSError(5, "Input/output error")

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    monkeypatch.setattr(output_files.os, "replace", replace)
    path = tmp_path / "model.joblib"
    assert run("train", iris_csv, "--save", path, *QUICK) == 1
    (rescued,) = elsewhere.iterdir()
    error = capsys.readouterr().err
    assert f"cannot write {path}: Input/output error. The model is saved to {rescued} instead." in error
    assert not path.exists()
    assert run("predict", rescued, iris_csv) == 0


def limit_file_size(n_bytes):
    resource = pytest.importorskip("resource", reason="needs a POSIX system")
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))


def test_full_disk_leaves_the_old_model(tmp_path, iris_csv, iris_model):
    before = iris_model.read_bytes()
    process = start("train", iris_csv, "--save", iris_model, *LARGE, preexec_fn=limit_file_size(20_000))
    out, err = process.communicate()
    assert (process.returncode, out) == (1, "")
    assert err == f"python -m sk_dsn: error: cannot write {iris_model}: File too large.\n"
    assert iris_model.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [iris_csv, iris_model]


def test_full_disk_is_found_before_training(tmp_path, iris_csv):
    process = start("train", iris_csv, "--save", tmp_path / "model", *LARGE, preexec_fn=limit_file_size(1000))
    err = process.communicate()[1]
    assert process.returncode == 2
    assert f"cannot write to folder {tmp_path}: File too large" in err


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs posix_fallocate")
@pytest.mark.parametrize("old_bytes", [5, 30_000])
def test_full_disk_leaves_a_file_of_two_names(tmp_path, monkeypatch, old_bytes):
    def fail(*_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "file"
    path.write_bytes(b"x" * old_bytes)
    (tmp_path / "other").hardlink_to(path)
    monkeypatch.setattr(os, "posix_fallocate", fail)
    with pytest.raises(CommandError, match="No space left on device"):
        write(path, b"y" * 20_000)
    assert path.read_bytes() == b"x" * old_bytes


def run_in_small_file_system(command, folder, **environment):
    """Runs a shell command in which `folder` is a file system of 64 kB."""
    if shutil.which("unshare") is None or not sys.platform.startswith("linux"):
        pytest.skip("needs unshare of Linux")
    mount = f"mount -t tmpfs -o size=64k none {folder}"
    if subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True, check=False).returncode:
        pytest.skip("only root mounts file systems")
    script = f"{mount} || exit 99\n{command}\ncode=$?; ls -A {folder} >&2; exit $code"
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False, env=os.environ | environment
    )


def test_model_goes_elsewhere_when_the_disk_is_full(tmp_path, iris_csv):
    small, elsewhere = tmp_path / "small", tmp_path / "elsewhere"
    small.mkdir()
    elsewhere.mkdir()
    options = " ".join([*QUICK, "--hidden", "200,200"])
    command = f"{sys.executable} -m sk_dsn train {iris_csv} --save {small}/model {options}"
    process = run_in_small_file_system(command, small, TMPDIR=str(elsewhere))
    (rescued,) = elsewhere.iterdir()
    assert process.returncode == 1
    assert process.stderr == (
        f"python -m sk_dsn: error: cannot write {small}/model: No space left on device. "
        f"The model is saved to {rescued} instead.\n"
    )
    assert joblib.load(rescued)[-1].coefs_[1].shape == (200, 200)


def test_predictions_that_do_not_fit_leave_nothing(tmp_path, iris_model):
    small, new = tmp_path / "small", tmp_path / "new.csv"
    small.mkdir()
    new.write_text("sepal length,sepal width,petal length,petal width\n" + "5,3,1,0.2\n" * 20_000)
    command = f"{sys.executable} -m sk_dsn predict {iris_model} {new} --output {small}/answers.csv"
    process = run_in_small_file_system(command, small)
    assert process.returncode == 1
    assert process.stderr.endswith(f"error: cannot write {small}/answers.csv: No space left on device.\n")


KILLED = """
import os, signal, sys
from sk_dsn._cli import main, models

def dump(model, file):
    file.write(b"half a model" * 10_000)
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)

if {without_tmpfile}:
    del os.O_TMPFILE
models.joblib.dump = dump
main.main(sys.argv[1:])
"""


@needs_posix
@pytest.mark.parametrize("without_tmpfile", [False, True])
def test_killed_process_leaves_the_old_model(tmp_path, iris_csv, iris_model, without_tmpfile):
    if not hasattr(os, "O_TMPFILE"):
        pytest.skip("this system has no files without a name")
    before = iris_model.read_bytes()
    script = KILLED.format(without_tmpfile=without_tmpfile)
    arguments = ["train", str(iris_csv), "--save", str(iris_model), *QUICK]
    process = subprocess.run([sys.executable, "-c", script, *arguments], check=False)
    assert process.returncode == -signal.SIGKILL
    assert iris_model.read_bytes() == before
    left = sorted({*tmp_path.iterdir()} - {iris_csv, iris_model})
    if not without_tmpfile:
        assert left == []
        return
    # Without nameless files a part is left; a later run removes it, though not while it may still be written.
    (part,) = left
    assert run(*arguments) == 0
    assert part.exists()
    an_hour_ago = time.time() - output_files.ABANDONED_AFTER_SECONDS - 1
    os.utime(part, (an_hour_ago, an_hour_ago))
    assert run(*arguments) == 0
    assert sorted(tmp_path.iterdir()) == sorted([iris_csv, iris_model])


KILLED_AT_RANDOM = """
import os, random, signal, sys, time
from pathlib import Path
from sk_dsn._cli.output_files import check_output, replaced_file

path, seed = Path(sys.argv[1]), int(sys.argv[2])
draw = random.Random(seed)
for trial in range(100):
    child = os.fork()
    if not child:
        while True:
            for letter in b"ab":
                check_output(path)
                with replaced_file(path) as file:
                    file.write(bytes([letter]) * 100_000)
    time.sleep(draw.uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    data = path.read_bytes()
    assert data in (b"old", b"a" * 100_000, b"b" * 100_000), trial
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_processes_killed_at_any_moment_leave_a_complete_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    subprocess.run([sys.executable, "-c", KILLED_AT_RANDOM, str(path), "0"], check=True)
    assert path.read_bytes() != b"old"


@pytest.mark.parametrize("error", [ValueError("told"), KeyboardInterrupt(), CommandError("told")])
def test_errors_of_the_writer_leave_the_old_file(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write_half():
        with output_files.replaced_file(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)):
        write_half()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
