import signal
import sys

from bench.cli import main


def stop(number, frame):
    """A job that is told to end says so in its log: schedulers do at the limit of its time."""
    print(f"bench: stopped: by signal {signal.Signals(number).name}", file=sys.stderr)
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    raise SystemExit(main())
