"""Writes the golden .safetensors files of this folder; run here: python3 make_safetensors.py

It needs the standard library alone, and says by itself what the format is.
"""

import json
import math
import struct

CODES = {"F64": "d", "F32": "f", "I64": "q", "U8": "B"}


def pack(dtype, values):
    return struct.pack(f"<{len(values)}{CODES[dtype]}", *values)


def save(name, tensors, metadata, order=None, pad=8):
    """Tensors are (name, dtype, shape, values); order is that of their data."""
    data, offsets = b"", {}
    for key in order or [tensor[0] for tensor in tensors]:
        _, dtype, _, values = next(tensor for tensor in tensors if tensor[0] == key)
        piece = pack(dtype, values)
        offsets[key] = [len(data), len(data) + len(piece)]
        data += piece
    header = {"__metadata__": metadata} if metadata else {}
    for key, dtype, shape, values in tensors:
        assert math.prod(shape) == len(values)
        header[key] = {"dtype": dtype, "shape": shape, "data_offsets": offsets[key]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % pad)
    with open(name, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


# Values that tell byte orders, index orders and precisions apart.
table = [1.5, -2.0, 1 / 3, 4.0, 1e-30, -6.25]
types = [
    ("bytes", "U8", [3], [0, 1, 255]),
    ("narrow", "F32", [3, 2], table),
    ("wide", "F64", [2, 3], table),
    ("whole", "I64", [2, 1, 1], [-(2**63), 7]),
    ("one", "F64", [], [math.pi]),
    ("none", "F32", [2, 0], []),
    ("not finite", "F64", [3], [math.nan, math.inf, -math.inf]),
]
texts = {"key": "a text", "Schlüssel": 'é "\\\n'}
# As other programs may: data in the order of the header, at any address, no padding.
save("types_unaligned.safetensors", types, texts, pad=1)
# As SafeTensors.write does: by falling size of the numbers.
aligned = ["wide", "whole", "one", "not finite", "narrow", "none", "bytes"]
save("types.safetensors", types, texts, aligned)
save("empty.safetensors", [], {})


def layer(prefix, inputs, weight, bias, units, dtype):
    return [
        (prefix + "weight", dtype, [len(bias), inputs], weight),
        (prefix + "bias", dtype, [len(bias)], bias),
        (prefix + "units", "U8", [len(bias)], units),
    ]


def by_size(tensors):
    return [t[0] for size in "dqfB" for t in tensors if CODES[t[1]] == size]


# x, t -> max(0, x + t)^2 and max(0, x) -> their weighted sum.
score = layer("layers.0.", 2, [1, 1, 1, 0], [0, 0], [2, 1], "F32")
score += layer("layers.1.", 2, [0.5, -1.5], [0.25], [0], "F32")
texts = {
    "fewstep.format": "1",
    "fewstep.output": "score",
    "fewstep.time_input": "true",
    "fewstep.residual": "false",
    "fewstep.process": "ou",
    "fewstep.time_low": "0.001",
    "fewstep.time_high": "Infinity",
    "tolerance": "0.1",
}
save("network.safetensors", score, texts, by_size(score))

texts = {"fewstep.format": "1", "fewstep.segments": "2"}
flow = []
for s, (high, low) in enumerate([("3.0", "0.30000000000000004"), ("0.30000000000000004", "0.001")]):
    prefix = f"segments.{s}."
    texts |= {
        f"fewstep.{prefix}output": "displacement",
        f"fewstep.{prefix}time_input": "false",
        f"fewstep.{prefix}residual": "true",
        f"fewstep.{prefix}process": "ou",
        f"fewstep.{prefix}time_low": low,
        f"fewstep.{prefix}time_high": high,
    }
    flow += [
        (prefix + "c_in", "F64", [], [2.0 + s]),
        (prefix + "c_out", "F64", [], [0.1]),
        (prefix + "clamp", "F64", [2, 2], [-4, -5, 4, 5 + s]),
    ]
    flow += layer(prefix + "layers.0.", 2, [1, 0, 0, 1], [s, -s], [1, 2], "F64")
    flow += layer(prefix + "layers.1.", 2, [1 / 3, 0, 0, -1], [0, 1], [0, 0], "F64")
save("flow.safetensors", flow, texts, by_size(flow))
