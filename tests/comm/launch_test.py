"""What a user sees when a job of several ranks ends, in every way it can.

    launch_test.py PROGRAM    (the program built from launched.cc)
"""
import os
import re
import signal
import subprocess
import sys
import time
import unittest

PROGRAM = None


def run(ranks, scenario, **options):
    return subprocess.run([PROGRAM, str(ranks), scenario], capture_output=True, timeout=60, **options)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


class Job:
    """A running job of 3 ranks whose pids are known."""

    def __init__(self, scenario="toil"):
        self.process = subprocess.Popen([PROGRAM, "3", scenario], stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL)
        self.ranks = {}
        while len(self.ranks) < 3:
            line = self.process.stderr.readline().decode()
            rank, pid, self.mpirun = map(int, re.fullmatch(r"rank (\d+) pid (\d+) parent (\d+)\n", line).groups())
            self.ranks[rank] = pid

    def end(self):
        """Exit status, stderr and seconds until the end."""
        begin = time.monotonic()
        _, stderr = self.process.communicate(timeout=30)
        return self.process.returncode, stderr.decode(), time.monotonic() - begin

    def left_over(self, seconds):
        """The pids that still live after so many seconds."""
        end = time.monotonic() + seconds
        pids = [*self.ranks.values(), self.mpirun, self.process.pid]
        while any(map(alive, pids)) and time.monotonic() < end:
            self.process.poll()
            time.sleep(0.02)
        return [pid for pid in pids if alive(pid)]


class Launch(unittest.TestCase):
    def test_stdin_reaches_rank_0_and_its_stdout_returns_byte_by_byte(self):
        data = bytes(range(256)) * 4000 + b"no newline at the end"
        result = run(2, "echo", input=data)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertTrue(result.stdout == data, f"{len(result.stdout)} of {len(data)} bytes")

    def test_ranks_of_one_host_share_memory(self):
        self.assertEqual(run(4, "kind").stdout, b"shm 4\n")

    def test_status_of_the_ranks_is_the_job_s(self):
        result = run(2, "usage")
        self.assertEqual((result.returncode, result.stderr), (2, b"kerf: this cannot be cut\n"))

    def test_of_several_complaints_one_is_shown(self):
        result = run(3, "abort")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr.decode(), r"\Akerf: rank \d lacks a file\n\Z")

    def test_killed_rank_ends_the_job_within_a_second(self):
        job = Job()
        os.kill(job.ranks[2], signal.SIGKILL)
        status, stderr, seconds = job.end()
        self.assertEqual(status, 1)
        self.assertRegex(stderr, r"\Akerf: rank 2 on host \S+ was killed by signal 9 \(Killed\); the job ends\n\Z")
        self.assertLess(seconds, 1)
        self.assertEqual(job.left_over(1), [])

    def test_hung_rank_meets_the_deadline(self):
        status, stderr, _ = Job("stop").end()
        self.assertEqual(status, 1)
        self.assertRegex(stderr, r"\Akerf: rank \d .* waited 0.5 s for rank \d .* in vain\n\Z")

    def test_interrupt_and_terminate_end_everything_quietly(self):
        for number, expected in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            job = Job()
            job.process.send_signal(number)
            status, stderr, seconds = job.end()
            self.assertEqual((status, stderr), (expected, ""))
            self.assertLess(seconds, 1)
            self.assertEqual(job.left_over(1), [])

    def test_killed_launcher_leaves_nothing(self):
        job = Job()
        job.process.kill()
        self.assertEqual(job.left_over(2), [])
        job.end()

    def test_killed_mpirun_leaves_nothing(self):
        job = Job()
        os.kill(job.mpirun, signal.SIGKILL)
        self.assertEqual(job.left_over(2), [])
        self.assertEqual(job.end()[:2], (1, "kerf: mpirun was killed by signal 9; the job ends\n"))

    def test_a_closed_stdout_ends_the_job(self):
        job = Job()
        job.process.stdout.close()
        self.assertEqual(job.left_over(2), [])
        job.process.stderr.close()

    def test_missing_mpirun_is_named(self):
        result = run(2, "kind", env={"PATH": "/nowhere"})
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"kerf: 2 ranks need mpirun, which is not installed", result.stderr)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main()
