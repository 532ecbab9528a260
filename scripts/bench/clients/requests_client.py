"""The load of `../load_client.ts`, kind "rate", by Python's requests: one session, and so one connection, a thread."""

import json
import os
import sys
import threading
import time

import requests

job = json.loads(sys.argv[1])
url = f"https://localhost:{job['port']}/reply"
headers = {"Authorization": f"Bearer {os.environ['BENCH_TOKEN']}"}
counts = [0] * job["connections"]
ready = threading.Barrier(len(counts) + 1)
go = threading.Event()
deadline = 0.0


def ask(session):
    reply = session.get(url, headers=headers)
    if reply.status_code != 200:
        os._exit(1)


def run(index):
    with requests.Session() as session:
        for _ in range(20):
            ask(session)
        ready.wait()
        go.wait()
        while time.monotonic() < deadline:
            ask(session)
            counts[index] += 1


threads = [threading.Thread(target=run, args=(index,)) for index in range(len(counts))]
for thread in threads:
    thread.start()
ready.wait()
print("warm", flush=True)
time.sleep(0.3)
start = time.monotonic()
deadline = start + job["durationMs"] / 1000
go.set()
for thread in threads:
    thread.join()
print(json.dumps({"requestsPerSecond": sum(counts) / (time.monotonic() - start)}))
