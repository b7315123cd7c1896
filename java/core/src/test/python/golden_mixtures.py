"""Writes golden values of diffused Gaussian mixtures, at 50 digits, independently of the library.

    python3 golden_mixtures.py > ../resources/org/fewstep/backend/golden-mixtures.txt

Needs mpmath. Formulas: N(alpha mu_k, alpha^2 Sigma_k + sigma^2 I) in the space of x itself (the
library goes through Ornstein-Uhlenbeck space), Cholesky factors (the library: eigenvectors), plain
logsumexp without a shift, the uncentred Hessian. Mixtures are not written down but drawn from
SplitMix64, in the order of draw_mixture, which the test repeats; points are written down.
"""

import struct
from mpmath import mp, mpf, sqrt, exp, expm1, log, cos, pi

mp.dps = 50
MASK = (1 << 64) - 1


class SplitMix64:
    """Uniforms in [-1, 1), multiples of 2^-52."""

    def __init__(self, seed):
        self.state = seed & MASK

    def uniform(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        z ^= z >> 31
        return (z >> 11) * 2.0**-52 - 1.0


def draw_mixture(random, kind, shared, d, components, sigma, flags):
    """Weights, means and covariances in float64, each operation rounded once."""
    weights = [abs(random.uniform()) + 0.1 for _ in range(components)]
    means = [[4.0 * random.uniform() for _ in range(d)] for _ in range(components)]
    if "zero" in flags:
        weights[1] = 0.0
    if "duplicate" in flags:
        means[2] = means[0]
    count = 1 if shared else components
    if kind == "isotropic":
        covariance = [sigma * (1.0 + 0.5 * random.uniform()) for _ in range(count)]
    elif kind == "diagonal":
        covariance = [
            [sigma * sigma * (1.0 + 0.5 * random.uniform()) for _ in range(d)]
            for _ in range(count)
        ]
    else:
        covariance = [draw_matrix(random, d, sigma) for _ in range(count)]
    return weights, means, covariance


def draw_matrix(random, d, sigma):
    """sigma^2 (B B'/m + I/10); without noise of rank d/2, so that it is singular."""
    rank = d if sigma > 0 else d // 2
    b = [[random.uniform() for _ in range(rank)] for _ in range(d)]
    matrix = [[0.0] * d for _ in range(d)]
    for i in range(d):
        for j in range(i + 1):
            total = 0.0
            for l in range(rank):
                total += b[i][l] * b[j][l]
            if sigma > 0:
                total = sigma * sigma * (total / rank + (0.1 if i == j else 0.0))
            matrix[i][j] = matrix[j][i] = total
    return matrix


def schedule(process, t):
    t = mpf(t)
    if process == "ou":
        return exp(-t), sqrt(-expm1(-2 * t))
    if process == "vp":
        integral = t * (mpf(0.1) + (20 - mpf(0.1)) * t / 2)
        return exp(-integral / 2), sqrt(-expm1(-integral))
    if process == "vp-cosine":
        s = mpf(8) / 1000
        alpha = cos((t + s) / (1 + s) * pi / 2) / cos(s / (1 + s) * pi / 2)
        return alpha, sqrt(1 - alpha * alpha)
    return mpf(1), t


class Component:
    """A component at time t: the Cholesky factor of its covariance, and what follows from it."""

    def __init__(self, kind, mean, covariance, alpha, sigma, d):
        self.kind, self.alpha, self.d = kind, alpha, d
        self.mean = [mpf(m) for m in mean]
        noise = sigma * sigma
        if kind == "full":
            self.data = [[mpf(v) for v in row] for row in covariance]
            self.factor(noise)
            inverse = [self.forward([mpf(i == j) for i in range(d)]) for j in range(d)]
            self.trace = sum(v * v for row in inverse for v in row)
            self.log_det = 2 * sum(log(self.lower[i][i]) for i in range(d))
        else:
            if kind == "isotropic":
                self.data = [mpf(covariance) ** 2] * d
            else:
                self.data = [mpf(v) for v in covariance]
            self.variances = [alpha * alpha * v + noise for v in self.data]
            self.trace = sum(1 / v for v in self.variances)
            self.log_det = sum(log(v) for v in self.variances)

    def factor(self, noise):
        d, alpha = self.d, self.alpha
        self.lower = [[mpf(0)] * d for _ in range(d)]
        for i in range(d):
            for j in range(i + 1):
                value = alpha * alpha * self.data[i][j] + (noise if i == j else 0)
                value -= sum(self.lower[i][l] * self.lower[j][l] for l in range(j))
                self.lower[i][j] = sqrt(value) if i == j else value / self.lower[j][j]

    def forward(self, v):
        out = []
        for i in range(self.d):
            value = v[i] - sum(self.lower[i][l] * out[l] for l in range(i))
            out.append(value / self.lower[i][i])
        return out

    def solve(self, v):
        if self.kind != "full":
            return [v[i] / self.variances[i] for i in range(self.d)]
        half = self.forward(v)
        out = [mpf(0)] * self.d
        for i in reversed(range(self.d)):
            value = half[i] - sum(self.lower[l][i] * out[l] for l in range(i + 1, self.d))
            out[i] = value / self.lower[i][i]
        return out

    def apply_data(self, v):
        if self.kind != "full":
            return [self.data[i] * v[i] for i in range(self.d)]
        return [sum(row[j] * v[j] for j in range(self.d)) for row in self.data]


def dot(u, v):
    return sum(a * b for a, b in zip(u, v))


def evaluate(weights, components, alpha, x, u):
    d = len(x)
    x, u = [mpf(v) for v in x], [mpf(v) for v in u]
    total = sum(mpf(w) for w in weights)
    parts = []
    for w, c in zip(weights, components):
        if w == 0:
            continue
        e = [x[i] - alpha * c.mean[i] for i in range(d)]
        pe = c.solve(e)
        density = mpf(w) / total * exp(-(dot(e, pe) + c.log_det + d * log(2 * pi)) / 2)
        pull = c.apply_data(pe)
        denoised = [c.mean[i] + alpha * pull[i] for i in range(d)]
        parts.append((density, [-v for v in pe], denoised, c.trace, c.solve(u)))
    p = sum(part[0] for part in parts)
    score, mean, jvp = [mpf(0)] * d, [mpf(0)] * d, [mpf(0)] * d
    divergence = mpf(0)
    for density, g, denoised, trace, pu in parts:
        r = density / p
        along = dot(g, u)
        divergence += r * (dot(g, g) - trace)
        for i in range(d):
            score[i] += r * g[i]
            mean[i] += r * denoised[i]
            jvp[i] += r * (g[i] * along - pu[i])
    divergence -= dot(score, score)
    along = dot(score, u)
    jvp = [jvp[i] - score[i] * along for i in range(d)]
    return [log(p)], score, mean, [divergence], jvp


def as_float(v):
    return struct.unpack("f", struct.pack("f", float(v)))[0]


def line(label, values):
    print(label, *(repr(float(v)) for v in values))


def write_case(number, kind, shared, process, t, d, components, sigma, flags=()):
    random = SplitMix64(number)
    weights, means, covariance = draw_mixture(random, kind, shared, d, components, sigma, flags)
    alpha, noise = schedule(process, t)
    print("case", number, kind, "shared" if shared else "each", process, repr(t), d, components,
          repr(sigma), ",".join(flags) or "-")
    at_time = [
        Component(kind, means[k], covariance[0 if shared else k], alpha, noise, d)
        for k in range(components)
    ]
    if shared:
        for k in range(1, components):
            at_time[k] = shared_copy(at_time[0], means[k])
    spread = sqrt(alpha * alpha * mpf(sigma) ** 2 + noise * noise)
    k = number % components
    # With one component, half way to the origin: on the mean itself the score is rounding alone.
    other = means[-1] if components > 1 else [0.0] * d
    points = {
        "typical": [alpha * means[k][i] + spread * 2 * random.uniform() for i in range(d)],
        "far": [60 * random.uniform() for _ in range(d)],
        "midpoint": [alpha * (means[0][i] + other[i]) / 2 for i in range(d)],
        # the one that float32 cannot hold
        "wide": [alpha * means[k][i] + spread * 3 * random.uniform() for i in range(d)],
    }
    for label, point in points.items():
        x = [float(v) if label == "wide" else as_float(v) for v in point]
        u = [as_float(random.uniform()) for _ in range(d)]
        print("point", label)
        line("x", x)
        line("direction", u)
        log_density, score, mean, divergence, jvp = evaluate(weights, at_time, alpha, x, u)
        line("log-density", log_density)
        line("score", score)
        line("posterior-mean", mean)
        line("divergence", divergence)
        line("jvp", jvp)


def shared_copy(component, mean):
    copy = Component.__new__(Component)
    copy.__dict__.update(component.__dict__)
    copy.mean = [mpf(m) for m in mean]
    return copy


KINDS = [(kind, shared) for kind in ("isotropic", "diagonal", "full") for shared in (True, False)]
TIMES = [1e-4, 1e-3, 0.01, 0.1, 0.5, 1.0, 2.0, 5.0]
SIGMAS = [1e-3, 0.01, 0.1, 1.0, 0.0]


def main():
    print("# Written by src/test/python/golden_mixtures.py; do not edit.")
    number = 0
    # Every kind, dimension and number of components, times and sigmas in turn.
    for kind, shared in KINDS:
        for d in (1, 2, 3, 8, 64):
            for components in (1, 3, 17):
                number += 1
                t, sigma = TIMES[number % 8], SIGMAS[number % 5]
                write_case(number, kind, shared, "ou", t, d, components, sigma)
    # Every time and sigma, where modes are far apart for their width.
    for t in TIMES:
        for sigma in SIGMAS:
            number += 1
            write_case(number, "isotropic", True, "ou", t, 2, 3, sigma)
    # The other processes.
    for process in ("vp", "vp-cosine", "ve"):
        for index, (kind, shared) in enumerate(KINDS):
            for t in (1e-3, 0.3, 0.95) if process != "ve" else (2e-3, 1.0, 80.0):
                number += 1
                write_case(number, kind, shared, process, t, 3, 5, SIGMAS[(number + index) % 5])
    # Odd mixtures.
    for kind, shared in KINDS:
        for t in (1e-3, 0.7):
            number += 1
            write_case(number, kind, shared, "ou", t, 3, 4, 0.05, ("zero",))
            number += 1
            write_case(number, kind, shared, "ou", t, 2, 5, 0.05, ("duplicate",))
            number += 1
            write_case(number, kind, shared, "vp", t, 2, 5, 0.3, ("zero", "duplicate"))


main()
