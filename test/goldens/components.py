"""
Golden principal components: eigenvectors of weighted covariances by NumPy (LAPACK) in float64. Rows are numbers of three digits with very
different spreads; the second case weighs its rows, the third has fewer rows than columns, so that some variances are 0.
"""

import numpy

from common import significant, write

generator = numpy.random.default_rng(7)


def case(name, n, columns, count, weights=None):
    spread = numpy.exp(generator.uniform(-2, 1, columns))
    rows = numpy.round(generator.normal(size=(n, columns)) * spread + generator.normal(size=columns), 3)
    shares = numpy.full(n, 1 / n) if weights is None else weights / weights.sum()
    mean = shares @ rows
    covariance = (rows - mean).T @ ((rows - mean) * shares[:, None])
    values, vectors = numpy.linalg.eigh(covariance)
    order = numpy.argsort(values)[::-1][:count]
    components = vectors[:, order].T
    largest = numpy.abs(components).argmax(axis=1)
    components *= numpy.sign(components[numpy.arange(count), largest])[:, None]
    return {
        "name": name,
        "rows": rows.tolist(),
        "count": count,
        "weights": None if weights is None else weights.tolist(),
        "mean": significant(mean.tolist(), 15),
        "components": significant(components.tolist(), 15),
        "variances": significant(values[order].tolist(), 15),
    }


cases = [
    case("even", 40, 6, 6),
    case("weighted", 30, 5, 3, numpy.round(generator.uniform(0, 4, 30), 2)),
    case("fewer rows than columns", 4, 7, 3),
]
write("components", ["numpy"], "principal components of rows, by eigenvectors of their covariance in float64", {"cases": cases})
