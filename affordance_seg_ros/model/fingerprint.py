# SPDX-License-Identifier: Apache-2.0
"""A short name for weights that only equal ones share, whatever their card says."""

import hashlib

import numpy as np
from torch import nn

_DIGITS = 16


def fingerprint(network: nn.Module) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of a network's parameters.

    A float16 file and the float32 one that it was made from differ, as their results may.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        values = tensor.detach().cpu().float().numpy()
        digest.update(f"{name} {values.shape}\n".encode())
        digest.update(np.ascontiguousarray(values, "<f4").tobytes())
    return digest.hexdigest()[:_DIGITS]
