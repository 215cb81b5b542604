"""
Golden measures of evaluation by scikit-learn and scipy, on small data with many ties; what they have no function for (calibration error,
linear CKA, uniformity) is written here from its definition with whole matrices in numpy, and says so.
"""

import numpy as np
import scipy.stats
from scipy.spatial.distance import cdist, pdist
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, ndcg_score
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, normalize

from common import write

random = np.random.default_rng(17)


def digits(values, places=3):
    return np.round(np.asarray(values, dtype=np.float64), places)


LABELS = random.integers(0, 4, 60)
CENTRES = random.normal(size=(4, 6))
rows = digits(CENTRES[LABELS] + 1.3 * random.normal(size=(60, 6)))
other = digits(rows @ random.normal(size=(6, 9)) + 1.5 * random.normal(size=(60, 9)))
test_labels = random.integers(0, 4, 40)
test_rows = digits(CENTRES[test_labels] + 1.3 * random.normal(size=(40, 6)))
logits = digits(2 * random.normal(size=(60, 4)) + 2 * np.eye(4)[LABELS])


def calibration_error(bins):
    """Guo et al. 2017, equation 3: bins (b/B, (b+1)/B], with right-closed borders as numpy.digitize(right=True) has them."""
    probabilities = softmax(logits, axis=1)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == LABELS
    which = np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1], right=True)
    return sum(
        (which == b).mean() * abs(right[which == b].mean() - confidence[which == b].mean())
        for b in range(bins)
        if (which == b).any()
    )


def probes():
    for name, x, y, c in [
        ("four classes", rows, LABELS, 1.0),
        ("little penalty", rows, LABELS, 30.0),
        ("two classes", rows[LABELS < 2], LABELS[LABELS < 2], 0.5),
    ]:
        model = LogisticRegression(C=c, solver="newton-cg", tol=1e-12, max_iter=1000).fit(x, y)
        scaled = make_pipeline(StandardScaler(), LogisticRegression(C=c, solver="newton-cg", tol=1e-12, max_iter=1000)).fit(x, y)
        yield {
            "name": name,
            "c": c,
            "classes": 2 if len(set(y)) == 2 else 4,
            "probabilities": model.predict_proba(test_rows[:8]).tolist(),
            "predicted": model.predict(test_rows).tolist(),
            "standardizedAccuracy": float(scaled.score(test_rows, test_labels)),
        }


def ranked():
    """Rows with exact duplicates, so that similarities tie; relevance of two kinds; the query itself left out."""
    index = np.concatenate([np.eye(3), np.eye(3), [[1, 1, 0], [1, 1, 0], [0, 1, 1], [0.6, 0.8, 0], [0.6, 0.8, 0], [1, 2, 3]]])
    labels = np.array([0, 1, 2, 1, 1, 2, 0, 1, 0, 2, 0, 1])
    grades = random.integers(0, 4, (len(index), len(index)))
    # Products of rows that are exactly equal are exactly equal in both programs; everything else is told apart here.
    similarity = np.round(cosine_similarity(index), 9)
    result = {"index": index.tolist(), "labels": labels.tolist(), "grades": grades.tolist(), "classNdcg": {}, "gradedNdcg": {}}
    for k in (1, 2, 3, 5, 10):
        by_class, graded = [], []
        for query in range(len(index)):
            others = np.arange(len(index)) != query
            relevant = (labels[others] == labels[query]).astype(float)
            by_class.append(ndcg_score([relevant], [similarity[query][others]], k=k))
            graded.append(ndcg_score([grades[query].astype(float)], [similarity[query]], k=k))
        result["classNdcg"][str(k)] = float(np.mean(by_class))
        result["gradedNdcg"][str(k)] = float(np.mean(graded))
    return result


def cka():
    x, y = rows - rows.mean(axis=0), other - other.mean(axis=0)
    kernels = [x @ x.T, y @ y.T]
    return float((kernels[0] * kernels[1]).sum() / np.linalg.norm(kernels[0]) / np.linalg.norm(kernels[1]))


def neighbours(values, k):
    similarity = cosine_similarity(values)
    np.fill_diagonal(similarity, -np.inf)
    return np.argsort(-similarity, axis=1, kind="stable")[:, :k]


ties = random.integers(0, 5, 40).astype(float)
partner = ties + random.integers(0, 4, 40)
scores = digits(5 * random.uniform(size=60), 0)
upper = np.triu_indices(60, 1)
similarities = np.diagonal(cosine_similarity(rows, other[:, :6]))
unit = normalize(rows)
centroid = NearestCentroid().fit(unit, LABELS)

write(
    "evaluation",
    ["numpy", "scipy", "scikit-learn"],
    "Measures of evaluation on 60 rows in two spaces, with labels, logits and pairs",
    {
        "calibrationError": {str(bins): float(calibration_error(bins)) for bins in (1, 5, 15)},
        "negativeLogLikelihood": float(log_loss(LABELS, softmax(logits, axis=1), labels=range(4))),
        "likelihoodByHand": float(-log_softmax(logits, axis=1)[np.arange(60), LABELS].mean()),
        "correlation": {
            "ranks": scipy.stats.rankdata(ties).tolist(),
            "spearman": float(scipy.stats.spearmanr(ties, partner).statistic),
            "pearson": float(scipy.stats.pearsonr(ties, partner).statistic),
        },
        "pairSimilarity": {
            "spearman": float(scipy.stats.spearmanr(similarities, scores).statistic),
            "pearson": float(scipy.stats.pearsonr(similarities, scores).statistic),
        },
        "similarityCorrelation": float(
            scipy.stats.spearmanr(cosine_similarity(rows)[upper], cosine_similarity(other)[upper]).statistic
        ),
        "linearCka": cka(),
        "neighbourOverlap": {
            str(k): float(np.mean([len(set(a) & set(b)) / k for a, b in zip(neighbours(rows, k), neighbours(other, k))])) for k in (1, 5, 10)
        },
        "uniformity": float(np.log(np.exp(-2 * pdist(unit, "sqeuclidean")).mean())),
        "alignment": float((np.linalg.norm(unit - normalize(other[:, :6]), axis=1) ** 2).mean()),
        "classAlignment": float(
            cdist(unit, unit, "sqeuclidean")[upper][(LABELS[:, None] == LABELS)[upper]].mean()
        ),
        "nearestNeighbours": float(
            KNeighborsClassifier(1, metric="cosine", algorithm="brute").fit(rows, LABELS).score(test_rows, test_labels)
        ),
        "nearestCentroids": centroid.predict(normalize(test_rows)).tolist(),
        "ranked": ranked(),
        "probes": list(probes()),
    },
    inputs={
        "rows": rows.tolist(),
        "other": other.tolist(),
        "labels": LABELS.tolist(),
        "testRows": test_rows.tolist(),
        "testLabels": test_labels.tolist(),
        "logits": logits.tolist(),
        "ties": ties.tolist(),
        "partner": partner.tolist(),
        "scores": scores.tolist(),
    },
)
