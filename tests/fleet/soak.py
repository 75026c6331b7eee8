#!/usr/bin/env python3
"""Loads a kerf serve for minutes with clients who cancel, send nonsense, and lose ranks under their feet.

usage: soak.py KERF MODEL [--minutes 30] [--clients 32] [--kill-every 10] [-- FLAG...]     FLAGs: of kerf serve

Every answer is compared with the one that the undisturbed server gave first. At the end: how many requests there were,
and what the front, its descriptors, its processes and shared memory grew by. Exit 1 when an answer was wrong or lost.
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

PROMPTS = ["Once upon a time", "The king said", "In the forest", "A little girl", "It was night and", "The ship"]
NONSENSE = [b"{", b'{"model": 5}', b'{"prompt": "x", "max_tokens": -1}', b"\xff\xfe", b"[" * 20000,
            b'{"prompt": "x", "temperature": "hot"}', b'{"prompt": ["a", 3]}', b'{"prompt": "x", "n": 100000}']
HEADERS = {"Content-Type": "application/json"}
PATIENCE_S = 120
LOG = pathlib.Path(tempfile.gettempdir()) / "kerf-soak.log"  # the server's stderr


class Server:
    def __init__(self, kerf, model, flags):
        self.log = open(LOG, "w")
        self.process = subprocess.Popen([kerf, "serve", model, "--port", "0", *flags], stdout=subprocess.PIPE,
                                        stderr=self.log, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        if not found:
            sys.exit(f"the server does not start: {line} {LOG.read_text()}")
        self.port = int(found[1])

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)

    def ranks(self):
        connection = self.connect()
        connection.request("GET", "/status.json")
        status = json.loads(connection.getresponse().read())
        return [pid for replica in status["replicas"] if replica["state"] == "ready" for pid in replica["pids"]]

    def footprint(self):
        proc = pathlib.Path(f"/proc/{self.process.pid}")
        resident = int(re.search(r"VmRSS:\s+(\d+)", (proc / "status").read_text())[1])
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)
        return {"front MB": round(resident / 1024, 1), "descriptors": len(list((proc / "fd").iterdir())),
                "children": len(children.stdout.split()), "shm files": len(os.listdir("/dev/shm"))}


def body_of(rng):
    return {"model": "m", "prompt": rng.choice(PROMPTS), "max_tokens": rng.choice([8, 40, 100]),
            "temperature": rng.choice([0, 1]), "seed": rng.randrange(3), "ignore_eos": True}


def complete(server, body):
    connection = server.connect()
    connection.request("POST", "/v1/completions", json.dumps(body), HEADERS)
    response = connection.getresponse()
    answer = json.loads(response.read())
    if response.status != 200:
        raise RuntimeError(f"{response.status}: {answer}")
    return answer["choices"][0]["text"]


def stream(server, body, leave_after=None):
    connection = server.connect()
    connection.request("POST", "/v1/completions", json.dumps({**body, "stream": True}), HEADERS)
    response = connection.getresponse()
    if response.status != 200:
        raise RuntimeError(f"{response.status}: {response.read()}")
    text, events = "", 0
    for line in response:
        if not line.startswith(b"data: "):
            continue
        if line == b"data: [DONE]\n":
            return text
        event = json.loads(line[6:])
        if "error" in event:
            raise RuntimeError(event)
        text += event["choices"][0]["text"] if event["choices"] else ""
        events += 1
        if leave_after is not None and events >= leave_after:
            connection.sock.close() if connection.sock else response.close()
            return None
    raise RuntimeError("the stream broke off")


class Soak:
    def __init__(self, server):
        self.server = server
        self.expected = {}
        self.lock = threading.Lock()
        self.counts = dict.fromkeys(["right", "wrong", "lost", "left", "refused", "kills"], 0)
        self.ending = threading.Event()

    def count(self, what, why=""):
        with self.lock:
            self.counts[what] += 1
            if why and self.counts[what] <= 5:
                print(f"{what}: {why}", flush=True)

    def learn(self):
        for prompt in PROMPTS:
            for tokens in [8, 40, 100]:
                for temperature, seed in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]:
                    body = {"model": "m", "prompt": prompt, "max_tokens": tokens, "temperature": temperature, "seed": seed,
                            "ignore_eos": True}
                    self.expected[json.dumps(body)] = complete(self.server, body)

    def client(self, number):
        rng = random.Random(number)
        while not self.ending.is_set():
            body = body_of(rng)
            what = rng.random()
            try:
                if what < 0.1:
                    connection = self.server.connect()
                    connection.request("POST", "/v1/completions", rng.choice(NONSENSE), HEADERS)
                    refused = 400 <= connection.getresponse().status < 500
                    self.count("refused" if refused else "wrong", "" if refused else "nonsense was taken")
                elif what < 0.25:
                    stream(self.server, body, leave_after=rng.randrange(1, 5))
                    self.count("left")
                else:
                    text = stream(self.server, body) if rng.random() < 0.7 else complete(self.server, body)
                    right = text == self.expected[json.dumps(body)]
                    self.count("right" if right else "wrong", "" if right else f"{body}: {text!r}")
            except (OSError, RuntimeError, http.client.HTTPException) as error:
                self.count("lost", repr(error))

    def killer(self, every_s):
        rng = random.Random(0)
        while not self.ending.wait(every_s * rng.uniform(0.5, 1.5)):
            ranks = self.server.ranks()
            if ranks:
                os.kill(rng.choice(ranks), signal.SIGKILL)
                self.count("kills")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("kerf")
    parser.add_argument("model")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--kill-every", type=float, default=10, help="seconds")
    arguments, flags = parser.parse_known_args()
    server = Server(arguments.kerf, arguments.model, ["--served-model-name", "m", *[f for f in flags if f != "--"]])
    soak = Soak(server)
    soak.learn()
    threads = [threading.Thread(target=soak.client, args=(n,)) for n in range(arguments.clients)]
    threads.append(threading.Thread(target=soak.killer, args=(arguments.kill_every,)))
    for thread in threads:
        thread.start()
    end = time.monotonic() + 60 * arguments.minutes
    footprints = []
    while time.monotonic() < end:
        time.sleep(min(10, max(0, end - time.monotonic())))
        footprints.append(server.footprint())
        print(footprints[-1], soak.counts, flush=True)
    soak.ending.set()
    for thread in threads:
        thread.join()
    time.sleep(3)
    print("at rest:", server.footprint(), soak.counts)
    server.process.send_signal(signal.SIGTERM)
    status = server.process.wait(PATIENCE_S)
    failed = soak.counts["wrong"] + soak.counts["lost"] > 0 or status != 0
    print("failed" if failed else "passed", f"(the server ended with {status})")
    sys.exit(failed)


main()
