"""
Golden bootstrap intervals by scipy.stats.bootstrap, percentile and BCa, on means that are given as data, so that no generator of random
numbers has to agree; and the normal distribution they are made with.
"""

import warnings

import numpy as np
from scipy.stats import bootstrap, norm

from common import write

random = np.random.default_rng(5)


def digits(values):
    return [float(f"{value:.6g}") for value in values]


cases = []
for name, values in {
    "skewed": digits(random.exponential(size=30)),
    "hits": [float(hit) for hit in random.uniform(size=40) < 0.7],
    "a few": digits(random.normal(size=3)),
    "two": [0.0, 1.0],
}.items():
    means = digits([np.mean(random.choice(values, len(values))) for _ in range(199)])
    drawn = bootstrap((values,), np.mean, n_resamples=2, method="percentile", random_state=1)
    drawn.bootstrap_distribution = np.array(means)
    for method in ("percentile", "BCa"):
        for confidence in (0.95, 0.8):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                interval = bootstrap(
                    (values,), np.mean, n_resamples=0, bootstrap_result=drawn, method=method, confidence_level=confidence
                ).confidence_interval
            cases.append(
                {
                    "name": name,
                    "method": method.lower(),
                    "confidence": confidence,
                    "low": float(interval.low),
                    "high": float(interval.high),
                    "values": values,
                    "means": means,
                }
            )

write(
    "bootstrap",
    ["numpy", "scipy"],
    "Bootstrap intervals of given means of drawn values; the normal distribution",
    {
        "cases": cases,
        "shareBelow": [[x, float(norm.cdf(x))] for x in (-37.0, -9.0, -3.001, -2.999, -1.0, -0.1, 0.0, 0.5, 1.96, 3.5, 8.0, 40.0)],
        "quantile": [[p, float(norm.ppf(p))] for p in (1e-300, 1e-9, 0.001, 0.025, 0.2, 0.5, 0.6, 0.975, 0.999999)],
    },
)
