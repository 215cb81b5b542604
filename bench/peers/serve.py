"""The child's end of a measurement, as bench/serve.mjs: lines of JSON on stdin and stdout."""

import json
import math
import resource
import sys
import time

import torch


def take_turn(step, seconds, limit):
    """Runs until the time is over, at least once and at most `limit` times. Results are read and checked outside the time."""
    milliseconds = []
    end = time.perf_counter() + seconds
    while True:
        start = time.perf_counter()
        loss, gradient = step()
        milliseconds.append(1000 * (time.perf_counter() - start))
        value, magnitude = loss.item(), gradient.abs_().sum().item()
        if not math.isfinite(value):
            raise ArithmeticError(f"the loss is {value}")
        if not math.isfinite(magnitude) or magnitude == 0:
            raise ArithmeticError(f"the magnitudes of the gradient sum to {magnitude}")
        if time.perf_counter() >= end or len(milliseconds) == limit:
            return {"milliseconds": milliseconds, "loss": value, "gradient": magnitude}


def max_resident_bytes():
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def serve(prepare):
    """`prepare` makes of a configuration a step, which returns loss and gradient."""
    step = resident_before = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "prepare" in request:
                step = prepare(request["prepare"])
                resident_before = max_resident_bytes()
                reply = {"facts": {"torch": torch.__version__}}
            else:
                reply = take_turn(step, **request["turn"])
                reply["peakBytes"] = max_resident_bytes() - resident_before
        except Exception as error:  # the other side reports it in its table
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)
