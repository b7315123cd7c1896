"""The score of an isotropic mixture in numpy, timed on request.

Reads a problem from the files named on its command line, then one command a line from stdin:
"time FORM CALLS" answers the seconds that so many calls took, "save FORM FILE" writes the result.
FORM is "expanded" (matrix products) or "difference" ([n,K,d] by broadcasting). Every array that an
operation can write into is made beforehand and given as out=.
"""

import sys
import time

import numpy as np


class Score:
    """What both forms share: the constants, the temporaries, the softmax and the second product."""

    def __init__(self, n, d, components, variance, arrays):
        self.x, self.means, self.rows, self.columns, self.log_weights, self.offsets = (
            np.fromfile(path, dtype="<f4") for path in arrays
        )
        self.x = self.x.reshape(n, d)
        self.means = self.means.reshape(components, d)
        self.rows = self.rows.reshape(components, d)
        self.columns = self.columns.reshape(d, components)
        self.minus_precision = np.float32(-1 / variance)
        self.logits = np.empty((n, components), np.float32)
        self.row = np.empty((n, 1), np.float32)
        self.pull = np.empty((n, d), np.float32)
        self.score = np.empty((n, d), np.float32)
        self.differences = None

    def expanded(self):
        np.matmul(self.x, self.columns, out=self.logits)
        np.add(self.logits, self.offsets, out=self.logits)
        self.finish()

    def difference(self):
        if self.differences is None:
            self.differences = np.empty(self.logits.shape + self.x.shape[1:], np.float32)
        np.subtract(self.x[:, None, :], self.means[None, :, :], out=self.differences)
        np.einsum("nkd,nkd->nk", self.differences, self.differences, out=self.logits)
        np.multiply(self.logits, self.minus_precision / 2, out=self.logits)
        np.add(self.logits, self.log_weights, out=self.logits)
        self.finish()

    def finish(self):
        np.max(self.logits, axis=1, keepdims=True, out=self.row)
        np.subtract(self.logits, self.row, out=self.logits)
        np.exp(self.logits, out=self.logits)
        np.sum(self.logits, axis=1, keepdims=True, out=self.row)
        np.matmul(self.logits, self.rows, out=self.score)
        np.divide(self.score, self.row, out=self.score)
        np.multiply(self.x, self.minus_precision, out=self.pull)
        np.add(self.score, self.pull, out=self.score)


def main():
    n, d, components = (int(value) for value in sys.argv[1:4])
    score = Score(n, d, components, float(sys.argv[4]), sys.argv[5:11])
    print("ready numpy", np.__version__, flush=True)
    for line in sys.stdin:
        command, form, argument = line.split(maxsplit=2)
        run = getattr(score, form)
        if command == "time":
            start = time.perf_counter()
            for _ in range(int(argument)):
                run()
            print(time.perf_counter() - start, flush=True)
        else:
            run()
            score.score.astype("<f4").tofile(argument.rstrip("\n"))
            print("saved", flush=True)


if __name__ == "__main__":
    main()
