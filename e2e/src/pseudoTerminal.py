"""Runs a command in a pseudo terminal: pseudoTerminal.py COLUMNS ROWS COMMAND...

stdin and stdout are the terminal's; a line "COLUMNS ROWS" on file descriptor 3 resizes it. Ends as the command ends;
a signal N of the command becomes exit code 128 + N. SIGTERM ends the command too, by SIGHUP, as a closed window would.
"""
import fcntl, os, pty, select, signal, struct, sys, termios


def resize(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def main():
    columns, rows, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    pid, master = pty.fork()
    if pid == 0:
        resize(0, columns, rows)
        os.close(3)
        os.execvp(command[0], command)
    resize(master, columns, rows)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGHUP))
    watched = [master, 0, 3]
    while master in watched:
        ready, _, _ = select.select(watched, [], [])
        for fd in ready:
            try:
                data = os.read(fd, 65536)
            except OSError:  # EIO: the last process has closed its side
                data = b""
            if not data:
                watched.remove(fd)
            elif fd == master:
                os.write(1, data)
            elif fd == 0:
                os.write(master, data)
            else:
                for line in data.decode().split("\n"):
                    if line.strip():
                        resize(master, *map(int, line.split()))
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    sys.exit(code if code >= 0 else 128 - code)


main()
