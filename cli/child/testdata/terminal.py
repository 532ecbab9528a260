"""Gives a program a terminal and acts the person at it. JSON on stdin: words, steps. JSON on stdout: screen, status."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

STEP_LIMIT_SECONDS = 20

setup = json.load(sys.stdin)
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(setup["words"][0], setup["words"])

screen = b""
seen = 0


def resize(rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def read(seconds):
    """Reads what comes within a time; False at the end."""
    global screen
    if not select.select([terminal], [], [], seconds)[0]:
        return True
    try:
        part = os.read(terminal, 65536)
    except OSError:
        return False
    screen += part
    return part != b""


def wait_for(text):
    global seen
    end = time.monotonic() + STEP_LIMIT_SECONDS
    while text not in screen[seen:]:
        if time.monotonic() > end or not read(0.05):
            os.kill(pid, signal.SIGKILL)
            sys.exit("waited in vain for %r on %r" % (text, screen))
    seen = screen.index(text, seen) + len(text)


resize(24, 80)
for step in setup["steps"]:
    if "wait" in step:
        wait_for(step["wait"].encode())
    elif "send" in step:
        os.write(terminal, step["send"].encode())
    elif "signal" in step:
        os.kill(pid, getattr(signal, step["signal"]))
    elif "size" in step:
        resize(*step["size"])
    elif "sleepMs" in step:
        end = time.monotonic() + step["sleepMs"] / 1000
        while time.monotonic() < end and read(0.02):
            pass

end = time.monotonic() + STEP_LIMIT_SECONDS
while read(0.05):
    if time.monotonic() > end:
        os.kill(pid, signal.SIGKILL)
        sys.exit("it did not end; screen %r" % screen)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
json.dump({"screen": screen.decode("utf-8", "replace"), "status": code if code >= 0 else 128 - code}, sys.stdout)
