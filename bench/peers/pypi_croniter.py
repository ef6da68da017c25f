"""croniter (PyPI) in the terms of next.c: lines `expression<TAB>zone` in, `parse ns<TAB>next ns` out."""
import datetime
import statistics
import sys
import time
import zoneinfo

from croniter import croniter

BATCHES, CALLS = 3, 10


def batches(call):
    took = []
    for _ in range(BATCHES):
        start = time.perf_counter_ns()
        for _ in range(CALLS):
            call()
        took.append((time.perf_counter_ns() - start) / CALLS)
    return statistics.median(took)


for line in sys.stdin:
    text, zone = line.rstrip("\n").split("\t")
    begin = datetime.datetime(2024, 1, 1, tzinfo=zoneinfo.ZoneInfo(zone))

    def parse():
        return croniter(text, begin, second_at_beginning=True)

    try:
        walk = parse()
        nexts = batches(lambda: walk.get_next(datetime.datetime))
        print(f"{batches(parse):.1f}\t{nexts:.1f}", flush=True)
    except Exception:
        print("-", flush=True)
