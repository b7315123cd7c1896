#!/usr/bin/env python3
"""Times of PyTorch, JAX and CuPy for what DeviceTimings times of ours, where they are installed.

    peers.py [--output FILE] [--ours TIMINGS] [--peers torch,jax,cupy] [--seconds N] [--small]

Shapes are the same, float32 throughout, numbers are drawn alike. Every way of doing a task has to
agree with a formula in float64 before it is timed, and the ways of one task take turns. Each
library runs in a process of its own: one that is missing, breaks or takes too long is a reason in
the result, and the others go on. With --ours, the times are told as multiples of those in that
file. `numpy` is a peer too if it is asked for; it shows that the script works where there is no
device.
"""

import argparse
import importlib
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

TURNS = 10
TURN_SECONDS = 0.05
# Of the time that there is, by how long a library takes to compile.
SHARES = {"torch": 0.55, "jax": 0.3, "cupy": 0.15, "numpy": 1.0}
DEPTH = 8
STEPS = 8
CHECKED_ROWS = 256
ADAM = dict(rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8)


# ---- The tasks: inputs, and what should come out, in float64 by numpy ----


def ou(t):
    """alpha and sigma^2 of the Ornstein-Uhlenbeck process."""
    return math.exp(-t), -math.expm1(-2 * t)


class Score:
    floor = 1
    tolerance = 1e-3

    def __init__(self, np, name, d, k, n, t):
        random = np.random.default_rng(1)
        a, variance = ou(t)
        self.name = name
        self.variance = variance + (0.2 * a) ** 2
        self.means = a * 4 / math.sqrt(d) * random.standard_normal((k, d))
        self.logits = np.log((1 + np.arange(k) % 3) / (1 + np.arange(k) % 3).sum())
        chosen = self.means[np.arange(n) % k]
        noise = random.standard_normal((n, d), dtype=np.float32)
        self.x = (chosen + math.sqrt(self.variance) * noise).astype(np.float32)

    def expected(self, np):
        x = self.x[:CHECKED_ROWS].astype(np.float64)
        return score(np, x, self.means, self.logits, self.variance)


def score(np, x, means, logits, variance):
    squares = np.stack([((x - m) ** 2).sum(1) for m in means], 1)
    z = logits - squares / (2 * variance)
    r = np.exp(z - z.max(1, keepdims=True))
    r /= r.sum(1, keepdims=True)
    return (r @ means - x) / variance


def log_snr_knots(start, end, steps):
    def half_log_snr(t):
        a, variance = ou(t)
        return math.log(a) - 0.5 * math.log(variance)

    low, high = half_log_snr(start), half_log_snr(end)
    lambdas = [low + (high - low) * i / steps for i in range(steps + 1)]
    return [0.5 * math.log1p(math.exp(-2 * v)) for v in lambdas]


def heun(velocity, x, knots):
    for t, s in zip(knots, knots[1:]):
        h = s - t
        first = velocity(x, t)
        second = velocity(x + h * first, s)
        x = x + 0.5 * h * (first + second)
    return x


class Flow:
    """Eight modes on a ring, from noise to data."""

    floor = 1
    tolerance = 1e-2

    def __init__(self, np, name, n):
        angles = 2 * math.pi * np.arange(8) / 8
        self.name = name
        self.means = 2 * np.stack([np.cos(angles), np.sin(angles)], 1)
        self.deviation = 0.05
        self.knots = log_snr_knots(3, 1e-3, STEPS)
        noise = np.random.default_rng(2).standard_normal((n, 2), dtype=np.float32)
        self.x = (math.sqrt(ou(3)[1]) * noise).astype(np.float32)

    def variance(self, t):
        a, noise = ou(t)
        return noise + (a * self.deviation) ** 2

    def expected(self, np):
        def velocity(x, t):
            a, _ = ou(t)
            return -x - score(np, x, a * self.means, np.zeros(8), self.variance(t))

        return heun(velocity, self.x[:CHECKED_ROWS].astype(np.float64), self.knots)


class Network:
    floor = 1
    tolerance = 1e-3

    def __init__(self, np, name, inputs, width, n, depth=DEPTH):
        random = np.random.default_rng(3)
        widths = [inputs] + (depth - 1) * [width] + [2]
        self.name = name
        self.weights = []
        for l, (i, o) in enumerate(zip(widths, widths[1:])):
            scale = math.sqrt((1 if l == depth - 1 else 2) / i)
            self.weights.append((scale * random.standard_normal((o, i))).astype(np.float32))
        self.biases = [np.zeros(w.shape[0], np.float32) for w in self.weights]
        self.x = random.standard_normal((n, 2), dtype=np.float32)

    def forward(self, np, x):
        for l, (w, b) in enumerate(zip(self.weights, self.biases)):
            x = x @ w.T.astype(np.float64) + b
            if l < len(self.weights) - 1:
                x = np.maximum(x, 0)
        return x

    def expected(self, np):
        return self.forward(np, self.x[:CHECKED_ROWS].astype(np.float64))


class Sampling(Network):
    """The flow of a network that takes the time as its last input."""

    tolerance = 1e-2

    def __init__(self, np, name, n):
        super().__init__(np, name, 3, 64, n)
        self.knots = log_snr_knots(3, 1e-3, STEPS)

    def expected(self, np):
        def velocity(x, t):
            return self.forward(np, np.concatenate([x, np.full((len(x), 1), t)], 1))

        return heun(velocity, self.x[:CHECKED_ROWS].astype(np.float64), self.knots)


class Training(Network):
    """A step of Adam on the mean square error; checked is the gradient of the first weights."""

    tolerance = 1e-3

    def __init__(self, np, name, n):
        super().__init__(np, name, 2, 64, n, depth=3)
        self.targets = np.random.default_rng(4).standard_normal((n, 2), dtype=np.float32)

    def expected(self, np):
        states = [self.x.astype(np.float64)]
        for l, (w, b) in enumerate(zip(self.weights, self.biases)):
            z = states[-1] @ w.T.astype(np.float64) + b
            states.append(np.maximum(z, 0) if l < len(self.weights) - 1 else z)
        slope = 2 * (states[-1] - self.targets) / self.targets.size
        for l in reversed(range(len(self.weights))):
            gradient = slope.T @ states[l]
            slope = (slope @ self.weights[l]) * (states[l] > 0)
        # Gradients are small, those of units that hardly ever fire above all.
        self.floor = np.abs(gradient).max()
        return gradient


def tasks(np, small):
    """Names begin like those of DeviceTimings."""
    n, wide, k, points, batch = (
        (1003, 131, 131, 131, 67) if small else (4_000_000, 65_536, 4096, 1_000_000, 4096)
    )
    flow = f"n={points}, {STEPS} Heun steps"
    yield lambda: Score(np, f"score, d=2, K=64, n={n}", 2, 64, n, 0.5)
    yield lambda: Flow(np, f"flow, d=2, K=8, {flow}", points)
    depth = f"depth {DEPTH}, n={points}"
    yield lambda: Network(np, f"network forward, 2-64-2, {depth}", 2, 64, points)
    yield lambda: Sampling(np, f"sampling by a network, 3-64-2, depth {DEPTH}, {flow}", points)
    yield lambda: Score(np, f"score, d=128, K={k}, n={wide}", 128, k, wide, 1)
    yield lambda: Network(np, f"network forward, 2-128-2, {depth}", 2, 128, points)
    yield lambda: Training(np, f"step of training, 2-64-64-2, batch {batch}", batch)


# ---- The peers: for each task, ways to do it by name, each a function that returns its result ----


class Arrays:
    """CuPy, and numpy, whose place it takes."""

    def __init__(self, module):
        self.xp = importlib.import_module(module)
        self.version = f"{module} {self.xp.__version__}"
        self.device = "host"
        if module == "cupy":
            properties = self.xp.cuda.runtime.getDeviceProperties(0)
            self.device = properties["name"].decode()

    def to_device(self, values):
        return self.xp.asarray(values, dtype=self.xp.float32)

    def to_host(self, values):
        return self.xp.asnumpy(values) if hasattr(self.xp, "asnumpy") else values

    def seconds(self, call, calls):
        if not hasattr(self.xp, "cuda"):
            return wall_seconds(call, calls, lambda result: None)
        start, end = self.xp.cuda.Event(), self.xp.cuda.Event()
        start.record()
        for _ in range(calls):
            call()
        end.record()
        end.synchronize()
        return 1e-3 * self.xp.cuda.get_elapsed_time(start, end)

    def softmax_mean(self, z, means):
        r = self.xp.exp(z - z.max(1, keepdims=True))
        r /= r.sum(1, keepdims=True)
        return r @ means

    def expanded(self, x, means, offsets, variance):
        return (self.softmax_mean(x @ (means / variance).T + offsets, means) - x) / variance

    def ways(self, task):
        xp = self.xp
        x = self.to_device(task.x)
        if isinstance(task, Score):
            means, logits = self.to_device(task.means), self.to_device(task.logits)
            v = task.variance
            offsets = logits - (means**2).sum(1) / (2 * v)
            yield "expanded", lambda: self.expanded(x, means, offsets, v)
        elif isinstance(task, Flow):
            means = self.to_device(task.means)
            squares = (means**2).sum(1)

            def velocity(x, t):
                a, _ = ou(t)
                v = task.variance(t)
                return -x - self.expanded(x, a * means, -(a * a / (2 * v)) * squares, v)

            yield "loop", lambda: heun(velocity, x, task.knots)
        elif not isinstance(task, Training):
            weights = [self.to_device(w).T for w in task.weights]
            biases = [self.to_device(b) for b in task.biases]

            def forward(x):
                for w, b in zip(weights[:-1], biases[:-1]):
                    x = xp.maximum(x @ w + b, 0)
                return x @ weights[-1] + biases[-1]

            if isinstance(task, Sampling):

                def at_time(x, t):
                    return forward(xp.concatenate([x, xp.full_like(x[:, :1], t)], 1))

                yield "loop", lambda: heun(at_time, x, task.knots)
            else:
                yield "eager", lambda: forward(x)


class Torch:
    def __init__(self):
        self.torch = torch = importlib.import_module("torch")
        self.place = "cuda" if torch.cuda.is_available() else "cpu"
        self.version = f"PyTorch {torch.__version__}"
        self.device = torch.cuda.get_device_name() if self.place == "cuda" else "host"
        torch.backends.cuda.matmul.allow_tf32 = False

    def to_device(self, values):
        return self.torch.tensor(values, dtype=self.torch.float32, device=self.place)

    def to_host(self, values):
        return values.detach().cpu().numpy()

    def seconds(self, call, calls):
        if self.place == "cpu":
            return wall_seconds(call, calls, lambda result: None)
        start, end = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(calls):
            call()
        end.record()
        end.synchronize()
        return 1e-3 * start.elapsed_time(end)

    def expanded(self, x, means, offsets, variance):
        z = self.torch.addmm(offsets, x, (means / variance).T)
        return (self.torch.softmax(z, 1) @ means - x) / variance

    def differences(self, x, means, logits, variance):
        squares = ((x[:, None, :] - means) ** 2).sum(2)
        r = self.torch.softmax(logits - squares / (2 * variance), 1)
        return ((r[:, :, None] * means).sum(1) - x) / variance

    def ways(self, task):
        for name, call in self.eager(task):
            if isinstance(task, Training):
                yield name, call
                continue
            yield name, self.torch.no_grad()(call)
            yield name + ", torch.compile", self.torch.no_grad()(self.torch.compile(call))
        if isinstance(task, Training):
            yield from self.training(task, compiled=True)

    def eager(self, task):
        torch = self.torch
        x = self.to_device(task.x)
        if isinstance(task, Score):
            means, logits = self.to_device(task.means), self.to_device(task.logits)
            v = task.variance
            offsets = logits - (means**2).sum(1) / (2 * v)
            yield "expanded", lambda: self.expanded(x, means, offsets, v)
            if means.shape[1] <= 16:
                yield "differences", lambda: self.differences(x, means, logits, v)
        elif isinstance(task, Flow):
            means = self.to_device(task.means)
            squares = (means**2).sum(1)

            def velocity(x, t):
                a, _ = ou(t)
                v = task.variance(t)
                return -x - self.expanded(x, a * means, -(a * a / (2 * v)) * squares, v)

            yield "loop", lambda: heun(velocity, x, task.knots)
        elif isinstance(task, Training):
            yield from self.training(task, compiled=False)
        else:
            weights = [self.to_device(w) for w in task.weights]
            biases = [self.to_device(b) for b in task.biases]

            def forward(x):
                return self.layers(x, weights, biases)

            if isinstance(task, Sampling):

                def at_time(x, t):
                    return forward(torch.cat([x, torch.full_like(x[:, :1], t)], 1))

                yield "loop", lambda: heun(at_time, x, task.knots)
            else:
                yield "eager", lambda: forward(x)

    def layers(self, x, weights, biases):
        linear = self.torch.nn.functional.linear
        for w, b in zip(weights[:-1], biases[:-1]):
            x = self.torch.relu(linear(x, w, b))
        return linear(x, weights[-1], biases[-1])

    def training(self, task, compiled):
        torch = self.torch
        x, targets = self.to_device(task.x), self.to_device(task.targets)
        weights = [self.to_device(w).requires_grad_() for w in task.weights]
        biases = [self.to_device(b).requires_grad_() for b in task.biases]
        adam = torch.optim.Adam(
            weights + biases,
            lr=ADAM["rate"],
            betas=(ADAM["beta1"], ADAM["beta2"]),
            eps=ADAM["epsilon"],
            fused=self.place == "cuda",
        )

        def loss():
            return torch.nn.functional.mse_loss(self.layers(x, weights, biases), targets)

        evaluate = torch.compile(loss) if compiled else loss

        def step():
            adam.zero_grad(set_to_none=True)
            evaluate().backward()
            adam.step()
            return weights[0].grad

        yield "autograd, fused Adam" + (", torch.compile" if compiled else ""), step


class Jax:
    def __init__(self):
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        self.jax = importlib.import_module("jax")
        self.jax.config.update("jax_default_matmul_precision", "highest")
        self.np = importlib.import_module("jax.numpy")
        self.version = f"JAX {self.jax.__version__}"
        device = self.jax.devices()[0]
        self.device = "host" if device.platform == "cpu" else device.device_kind

    def to_device(self, values):
        return self.np.asarray(values, dtype=self.np.float32)

    def to_host(self, values):
        return importlib.import_module("numpy").asarray(values)

    def seconds(self, call, calls):
        return wall_seconds(call, calls, lambda result: result.block_until_ready())

    def expanded(self, x, means, offsets, variance):
        r = self.jax.nn.softmax(x @ (means / variance).T + offsets, 1)
        return (r @ means - x) / variance

    def differences(self, x, means, logits, variance):
        squares = ((x[:, None, :] - means) ** 2).sum(2)
        r = self.jax.nn.softmax(logits - squares / (2 * variance), 1)
        return ((r[:, :, None] * means).sum(1) - x) / variance

    def scan(self, velocity, x, knots, constants):
        """Heun's steps by lax.scan; constants are what the velocity wants at every knot."""
        np, lax = self.np, self.jax.lax
        steps = np.asarray([s - t for t, s in zip(knots, knots[1:])], np.float32)
        at = [np.asarray(c, np.float32) for c in constants]
        inputs = (steps, [c[:-1] for c in at], [c[1:] for c in at])

        def body(x, step):
            h, here, there = step
            first = velocity(x, *here)
            second = velocity(x + h * first, *there)
            return x + 0.5 * h * (first + second), None

        run = self.jax.jit(lambda x: lax.scan(body, x, inputs)[0])
        return lambda: run(x)

    def ways(self, task):
        np, jit = self.np, self.jax.jit
        x = self.to_device(task.x)
        if isinstance(task, Score):
            means, logits = self.to_device(task.means), self.to_device(task.logits)
            v = task.variance
            offsets = logits - (means**2).sum(1) / (2 * v)
            expanded = jit(lambda x: self.expanded(x, means, offsets, v))
            yield "expanded, jit", lambda: expanded(x)
            if means.shape[1] <= 16:
                differences = jit(lambda x: self.differences(x, means, logits, v))
                yield "differences, jit", lambda: differences(x)
        elif isinstance(task, Flow):
            means = self.to_device(task.means)
            squares = (means**2).sum(1)

            def velocity(x, a, v):
                return -x - self.expanded(x, a * means, -(a * a / (2 * v)) * squares, v)

            constants = ([ou(t)[0] for t in task.knots], [task.variance(t) for t in task.knots])
            yield "scan, jit", self.scan(velocity, x, task.knots, constants)
        elif isinstance(task, Training):
            yield "grad, jit", self.training(task, x)
        else:
            layers = self.parameters(task)
            if isinstance(task, Sampling):

                def at_time(x, t):
                    return self.layers(layers, np.concatenate([x, np.full_like(x[:, :1], t)], 1))

                yield "scan, jit", self.scan(at_time, x, task.knots, (task.knots,))
            else:
                forward = jit(lambda x: self.layers(layers, x))
                yield "jit", lambda: forward(x)

    def parameters(self, task):
        pairs = zip(task.weights, task.biases)
        return [(self.to_device(w).T, self.to_device(b)) for w, b in pairs]

    def layers(self, layers, x):
        for w, b in layers[:-1]:
            x = self.np.maximum(x @ w + b, 0)
        return x @ layers[-1][0] + layers[-1][1]

    def training(self, task, x):
        np, jax = self.np, self.jax
        targets = self.to_device(task.targets)
        layers = self.parameters(task)
        zeros = jax.tree_util.tree_map(np.zeros_like, layers)

        def loss(layers):
            return ((self.layers(layers, x) - targets) ** 2).mean()

        @jax.jit
        def step(layers, mean, square, count):
            gradient = jax.grad(loss)(layers)
            b1, b2 = ADAM["beta1"], ADAM["beta2"]
            tree_map = jax.tree_util.tree_map
            mean = tree_map(lambda m, g: b1 * m + (1 - b1) * g, mean, gradient)
            square = tree_map(lambda s, g: b2 * s + (1 - b2) * g * g, square, gradient)

            def update(p, m, s):
                root = np.sqrt(s / (1 - b2**count)) + ADAM["epsilon"]
                return p - ADAM["rate"] * m / (1 - b1**count) / root

            return tree_map(update, layers, mean, square), mean, square, gradient[0][0].T

        state = [layers, zeros, zeros, 0]

        def call():
            state[3] += 1
            state[0], state[1], state[2], first = step(*state[:3], np.float32(state[3]))
            return first

        return call


def wall_seconds(call, calls, wait):
    start = time.perf_counter()
    for _ in range(calls):
        result = call()
    wait(result)
    return time.perf_counter() - start


# ---- Measuring ----


def error(np, actual, expected, floor):
    """The largest difference of a row, relative to its largest element and a floor."""
    rows = actual[: len(expected)].astype(np.float64)
    worst = (np.abs(rows - expected).max(1) / (floor + np.abs(expected).max(1))).max()
    return float(worst)


def measure(np, peer, task):
    """The ways of a task that are right take turns; the others tell why not."""
    expected = task.expected(np)
    results, calls = [], []
    for name, call in peer.ways(task):
        result = {"name": task.name, "way": name}
        results.append(result)
        try:
            result["error"] = error(np, peer.to_host(call()), expected, task.floor)
            if not result["error"] <= task.tolerance:
                raise ValueError(f"it is off by more than {task.tolerance}")
            peer.seconds(call, 1)
            once = max(peer.seconds(call, 1), 1e-7)
            calls.append((result, call, max(1, int(TURN_SECONDS / once))))
            result["seconds"] = []
        except Exception as e:  # whatever a library throws, the next way is tried
            result["failure"] = f"{type(e).__name__}: {str(e)[:500]}"
    if not results:
        results.append({"name": task.name, "failure": "it has no gradients"})
    for turn in range(TURNS):
        for i in range(len(calls)):
            result, call, count = calls[(i + turn) % len(calls)]
            result["seconds"].append(peer.seconds(call, count) / count)
    for result, _, _ in calls:
        result["best"] = min(result["seconds"])
        result["median"] = statistics.median(result["seconds"])
    return results


def run_peer(name, small, output):
    """Measures one peer in this process, and writes after each task what there is."""
    report = {"workloads": []}

    def write():
        with open(output + ".part", "w") as file:
            json.dump(report, file)
        os.replace(output + ".part", output)

    try:
        np = importlib.import_module("numpy")
        peer = {"torch": Torch, "jax": Jax}[name]() if name in ("torch", "jax") else Arrays(name)
        report.update(version=peer.version, device=peer.device)
        write()
        for make in tasks(np, small):
            task = make()
            try:
                report["workloads"] += measure(np, peer, task)
            except Exception as e:
                failure = f"{type(e).__name__}: {str(e)[:500]}"
                report["workloads"].append({"name": task.name, "failure": failure})
            write()
    except Exception as e:  # most of all: no such module
        report["reason"] = f"{type(e).__name__}: {str(e)[:500]}"
        write()


def supervise(name, arguments, deadline, folder):
    """Runs a peer in a process of its own, and returns what it left."""
    output = os.path.join(folder, name + ".json")
    command = [sys.executable, os.path.abspath(__file__), "--peer", name, "--output", output]
    command += ["--small"] if arguments.small else []
    seconds = max(1.0, min(deadline - time.monotonic(), SHARES[name] * arguments.seconds))
    reason = None
    log = os.path.join(folder, name + ".log")
    try:
        with open(log, "w") as file:
            status = subprocess.run(
                command, stdout=file, stderr=subprocess.STDOUT, timeout=seconds
            ).returncode
        if status != 0:
            with open(log, errors="replace") as file:
                reason = f"it ended with status {status}: {file.read()[-500:]}"
    except subprocess.TimeoutExpired:
        reason = f"not done after {seconds:.0f} s"
    report = {"workloads": []}
    if os.path.exists(output):
        with open(output) as file:
            report = json.load(file)
    if reason is not None:
        report["reason"] = reason
    return report


def tell(name, report, ours):
    if "reason" in report:
        print(f"{name}: left out: {report['reason']}")
    for result in report["workloads"]:
        if "best" not in result:
            print(f"{name}, {result['name']}: left out: {result['failure']}")
            continue
        result["timesOurs"] = {
            own: result["best"] / best
            for own, best in ours.items()
            if own.startswith(result["name"])
        }
        ratio = "".join(f", {times:.3g} times ours" for times in result["timesOurs"].values())
        times = f"{1e3 * result['best']:.4f} ms, median {1e3 * result['median']:.4f} ms"
        print(f"{name}, {result['name']}, {result['way']}: {times}{ratio}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", default="peers.json")
    parser.add_argument("--ours")
    parser.add_argument("--peers", default="torch,jax,cupy")
    parser.add_argument("--peer", help="one, in this process; what --peers runs for each")
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    if arguments.peer:
        run_peer(arguments.peer, arguments.small, arguments.output)
        return
    ours = {}
    if arguments.ours and os.path.exists(arguments.ours):
        with open(arguments.ours) as file:
            ours = {entry["name"]: entry["best"] for entry in json.load(file)["workloads"]}
    deadline = time.monotonic() + arguments.seconds
    report = {"python": sys.version.split()[0], "peers": {}}
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.peers.split(","):
            report["peers"][name] = supervise(name, arguments, deadline, folder)
            tell(name, report["peers"][name], ours)
            with open(arguments.output, "w") as file:
                json.dump(report, file, indent=2)


if __name__ == "__main__":
    main()
