"""Another sample rate for a sound, by the windowed sinc interpolation that ImageBind's preprocessing relies on.

Each output sample is a sum over input samples around its moment, weighed by a sinc cut off at 0.99 of the lower rate's
half and by a squared cosine over six of its zero crossings to either side (the defaults of the original's resampler).
With the rates reduced to lowest terms there are only as many sets of weights as the new rate counts. Where that would
be very many, `soxr` does it instead.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F

ROLLOFF = 0.99
CROSSINGS = 6
MAX_WEIGHTS = 20_000_000  # 44.1 kHz to 16 kHz takes 76 thousand


def resample(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """(T,) float32 at `rate` Hz → (ceil(T · wanted / rate),) float32 at `wanted` Hz (one less or more by soxr)."""
    if rate == wanted:
        return samples
    common = math.gcd(rate, wanted)
    old, new = rate // common, wanted // common
    cutoff = min(old, new) * ROLLOFF
    reach = math.ceil(CROSSINGS * old / cutoff)  # input samples to either side
    if new * (2 * reach + old) > MAX_WEIGHTS:
        import soxr

        return soxr.resample(samples, rate, wanted, quality="HQ")
    moment = torch.arange(-reach, reach + old, dtype=torch.float64) / old  # (K,) of the input, in periods
    shift = torch.arange(0, new, dtype=torch.float64)[:, None] / new  # (new, 1) of the output
    turns = ((moment - shift) * cutoff).clamp(-CROSSINGS, CROSSINGS)
    window = torch.cos(turns * math.pi / CROSSINGS / 2) ** 2
    weights = (torch.sinc(turns) * window * (cutoff / old)).float()  # (new, K)
    padded = F.pad(torch.from_numpy(np.ascontiguousarray(samples))[None, None], (reach, reach + old))
    found = F.conv1d(padded, weights[:, None], stride=old)[0].T.reshape(-1)  # one period of outputs after the other
    return found[: math.ceil(new * len(samples) / old)].numpy()
