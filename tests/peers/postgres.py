"""A real PostgreSQL of a test: its own folder and port on loopback; stopped, killed and started again like a machine's."""
import glob
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile


def programs():
    """Where this machine has its newest server's programs, or None."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda p: int(p.split("/")[4]))
    path = found[-1] if found else shutil.which("initdb")
    return pathlib.Path(path).resolve().parent if path else None


class Postgres:
    USER = "gennaker"

    def __init__(self):
        self.programs = programs()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gennaker-postgres-"))
        # The server refuses to run as root.
        self.other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        if self.other:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self._run("initdb", "-D", self.folder / "data", "-A", "trust", "-U", self.USER, "--no-sync")
        self.start()

    def _run(self, program, *arguments):
        # With a file for its output: what stays in the background would hold a pipe open.
        with open(os.devnull, "w") as nothing:
            subprocess.run([*self.other, str(self.programs / program), *map(str, arguments)], check=True, stdin=subprocess.DEVNULL,
                           stdout=nothing, cwd="/")

    def start(self):
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        self._run("pg_ctl", "-D", self.folder / "data", "-o", options, "-l", self.folder / "log", "-w", "start")

    def stop(self, mode="fast"):
        self._run("pg_ctl", "-D", self.folder / "data", "-m", mode, "-w", "stop")

    def restart(self):
        """As after a power failure: nothing is said to anybody, and the log is played back."""
        self.stop("immediate")
        self.start()

    def query(self, sql, database="postgres"):
        return subprocess.run([str(self.programs / "psql"), "-qAt", "-h", "127.0.0.1", "-p", str(self.port), "-U", self.USER, "-c", sql, database],
                              check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    def database(self, name):
        """A new, empty database; its address."""
        self.query(f'CREATE DATABASE "{name}"')
        return f"postgresql://{self.USER}@127.0.0.1:{self.port}/{name}"

    def cut_connections(self):
        return int(self.query("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'gennaker'"))

    def end(self):
        self.stop("immediate")
        shutil.rmtree(self.folder)
