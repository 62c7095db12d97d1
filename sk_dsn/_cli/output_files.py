"""Writing a file so that it is either complete or as it was before."""
import os
import secrets
import shutil
import stat
import time
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from .messages import FAILURE, CommandError

# Unfinished files are named like that. Where a process was killed before it could remove one, the next that writes to
# the folder does, once nobody can be writing it any more.
PART_PREFIX, PART_SUFFIX = ".sk_dsn-", ".part"
ABANDONED_AFTER_SECONDS = 3600

TRIAL_BYTES = bytes(4096)


def check_output(path, inputs=()):
    """Find out before the work, not after it, that its result cannot be written to `path` (None: nowhere).

    The trial does all that `replaced_file` will do, short of replacing. `inputs` are files that must not be replaced.
    """
    if path is None:
        return
    for other in inputs:
        if same_file(path, other):
            raise CommandError(f"{path} is read and would be replaced; name another file for the result.")
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    try:
        status = existing_status(target)
        if status is not None and not stat.S_ISREG(status.st_mode):
            raise CommandError(f"{path} is not a regular file; give the name of a file to write.")
        if status is not None:
            os.close(os.open(target, os.O_RDWR))
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}. Name another file.") from error
    try:
        with UnfinishedFile(folder) as unfinished:
            unfinished.file.write(TRIAL_BYTES)
            unfinished.file.flush()
            unfinished.give_name()
    except OSError as error:
        raise CommandError(
            f"cannot write to folder {folder if os.path.islink(path) else Path(path).parent}: {error.strerror}. "
            "Name a folder that you can write to."
        ) from error
    remove_abandoned(folder)


@contextmanager
def replaced_file(path):
    """A binary file opened for writing that takes the place of `path` when complete, and leaves it alone otherwise.

    The file keeps mode, owner and hard links. Links are kept by copying: only then can a process that is killed in the
    middle of the copying spoil the file.
    """
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    try:
        status = existing_status(target)
        with UnfinishedFile(folder) as unfinished:
            file = unfinished.file
            yield file
            file.flush()
            os.fsync(file.fileno())
            if status is not None and status.st_nlink > 1:
                overwrite(target, file)
                return
            unfinished.give_name()
            if status is not None:
                keep_owner_and_mode(unfinished.name, status)
            os.replace(unfinished.name, target)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror or error}.", FAILURE) from error


def same_file(path, other):
    try:
        return os.path.samefile(path, other)
    except OSError:
        return os.path.realpath(path) == os.path.realpath(other)


def existing_status(target):
    try:
        return os.stat(target)
    except (FileNotFoundError, PermissionError):  # Without permission to search its folder, there is none to write to it.
        return None


class UnfinishedFile:
    """A new file in `folder` that is gone in the end, unless it was renamed.

    On Linux it has no name until `give_name`, so that nothing is left of it when the process is killed.
    """

    def __init__(self, folder):
        self.folder = folder
        self.name = None
        try:
            descriptor = os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666)
        except (AttributeError, OSError):  # Another system, or a file system that cannot do it.
            descriptor = self._open_named()
        self.file = open(descriptor, "w+b")  # noqa: SIM115

    def _new_name(self):
        return os.path.join(self.folder, f"{PART_PREFIX}{secrets.token_hex(8)}{PART_SUFFIX}")

    def _open_named(self):
        name = self._new_name()
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        self.name = name
        return descriptor

    def give_name(self):
        if self.name is not None:
            return
        name = self._new_name()
        try:
            # Any src_dir_fd makes Python call linkat, which follows the link in /proc; plain link would not.
            os.link(f"/proc/self/fd/{self.file.fileno()}", name, src_dir_fd=self.file.fileno())
            self.name = name
        except OSError:  # Without /proc, for example.
            with open(self._open_named(), "wb") as copy:
                self.file.seek(0)
                shutil.copyfileobj(self.file, copy)
                copy.flush()
                os.fsync(copy.fileno())

    def __enter__(self):
        return self

    def __exit__(self, *error):
        try:
            # A full disk can make closing fail as well: the first error says more.
            with suppress(OSError) if error[0] else nullcontext():
                self.file.close()
        finally:
            if self.name is not None:
                with suppress(FileNotFoundError):
                    os.unlink(self.name)


def overwrite(target, file):
    """Copies the whole file into the existing `target`, once the disk is known to have room for it."""
    file.seek(0, os.SEEK_END)
    n_bytes = file.tell()
    file.seek(0)
    with open(target, "r+b") as existing:
        if hasattr(os, "posix_fallocate") and n_bytes:
            n_bytes_before = os.stat(target).st_size
            try:
                os.posix_fallocate(existing.fileno(), 0, n_bytes)
            except OSError:
                existing.truncate(n_bytes_before)
                raise
        shutil.copyfileobj(file, existing)
        existing.truncate()
        existing.flush()
        os.fsync(existing.fileno())


def keep_owner_and_mode(name, status):
    if hasattr(os, "chown"):
        with suppress(OSError):  # Only root may give files away; the mode then says more than the owner.
            os.chown(name, status.st_uid, status.st_gid)
    os.chmod(name, stat.S_IMODE(status.st_mode))


def remove_abandoned(folder):
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if (
                entry.name.startswith(PART_PREFIX)
                and entry.name.endswith(PART_SUFFIX)
                and time.time() - entry.stat(follow_symlinks=False).st_mtime > ABANDONED_AFTER_SECONDS
            ):
                with suppress(OSError):
                    os.unlink(entry.path)
