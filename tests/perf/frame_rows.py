"""Reads a query into a frame, in a process that has imported the package before.

    frame_rows.py DB SQL

Prints one JSON object: CPU seconds of the call, rows, bytes of the columns, and
by how many bytes the peak of resident memory grew.
"""

import json
import resource
import sys
import time

import selftune


def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


with selftune.open(db_path=sys.argv[1]) as engine:
    engine.sql("SELECT 1")
    before, started = peak_bytes(), time.process_time()
    frame = engine.sql(sys.argv[2])
    cpu = time.process_time() - started
    print(json.dumps({"cpu": cpu, "rows": len(frame), "bytes": frame.nbytes, "growth": peak_bytes() - before}))
