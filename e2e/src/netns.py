#!/usr/bin/env python3
"""A network of namespaces with a slow, lossy line to each: `netns.py PREFIX COUNT DELAY_MS LOSS SEED`, as root, on Linux.

Makes namespaces PREFIX-1 .. PREFIX-COUNT with the addresses 10.99.0.1 .. and a TUN device each, whose other end is here: every IP
packet between two of them is held back for DELAY_MS, and lost with the chance LOSS. Needs neither netem nor bridges from the kernel.
Prints "ready" when packets flow, ends when stdin is closed, takes everything away, and prints what it carried as one JSON object.
"""
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
MTU = 1500
#: as a router's queue: beyond it packets are lost, whatever LOSS says
MAX_QUEUED = 20_000


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def open_tun(name: str) -> int:
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def main() -> None:
    prefix, count, delay_s, loss = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]) / 1000, float(sys.argv[4])
    chance = random.Random(int(sys.argv[5]))
    # also when the test that started us is killed
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    names = [f"{prefix}-{i + 1}" for i in range(count)]
    made: list[str] = []
    carried = lost = overflow = most_queued = 0
    try:
        fds: list[int] = []
        for i, name in enumerate(names):
            device = f"st{os.getpid() % 100000}t{i + 1}"
            ip("netns", "add", name)
            made.append(name)
            fds.append(open_tun(device))
            ip("link", "set", device, "netns", name)
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "addr", "add", f"10.99.0.{i + 1}/24", "dev", device)
            ip("-n", name, "link", "set", device, "mtu", str(MTU), "up")
        print("ready", flush=True)

        poll = select.poll()
        for fd in [*fds, sys.stdin.fileno()]:
            poll.register(fd, select.POLLIN)
        queue: list[tuple[float, int, int, bytes]] = []
        number = 0
        while True:
            wait_ms = None if not queue else max(0.0, (queue[0][0] - time.monotonic()) * 1000)
            for fd, _ in poll.poll(wait_ms):
                if fd == sys.stdin.fileno():
                    if not os.read(fd, 4096):
                        return
                    continue
                for _ in range(64):
                    try:
                        packet = os.read(fd, 65536)
                    except BlockingIOError:
                        break
                    # IPv4 only; the host's part of the destination says whose it is
                    if len(packet) < 20 or packet[0] >> 4 != 4 or not 1 <= packet[19] <= count:
                        continue
                    if chance.random() < loss:
                        lost += 1
                    elif len(queue) >= MAX_QUEUED:
                        overflow += 1
                    else:
                        number += 1
                        heapq.heappush(queue, (time.monotonic() + delay_s, number, packet[19] - 1, packet))
            most_queued = max(most_queued, len(queue))
            now = time.monotonic()
            while queue and queue[0][0] <= now:
                _, _, to, packet = heapq.heappop(queue)
                try:
                    os.write(fds[to], packet)
                    carried += 1
                except (BlockingIOError, OSError):
                    overflow += 1
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        print(json.dumps({"carried": carried, "lost": lost, "overflow": overflow, "mostQueued": most_queued}), flush=True)


main()
