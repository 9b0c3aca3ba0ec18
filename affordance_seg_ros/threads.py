# SPDX-License-Identifier: Apache-2.0
"""How PyTorch's threads behave on a processor that they share with other processes."""

import os
import sys

_POLICIES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
_SPINS = "10000"


def share_processor() -> None:
    """Let threads that wait for each other sleep after a moment; call this before torch is loaded.

    OpenMP's threads spin at the end of each operation until all are done. Next to other busy
    processes, the usual case on a robot, this burns the time that the last thread needs; if they
    sleep at once, waking them costs more than the operation. Measured with `affordance-seg replay`
    on the demo recording (compact network, two cores), the network's median time per frame is
    25 ms with 10,000 spins, 27 ms with endless ones and 48 ms with none; next to two busy processes
    it is 73 to 79, 135 and 85 ms. A policy that the user has set is left alone.

    Raises:
        RuntimeError: torch is already loaded, and its threads with it.
    """
    if any(policy in os.environ for policy in _POLICIES):
        return
    if "torch" in sys.modules:
        raise RuntimeError("share_processor() after torch was imported; call it before")
    os.environ["GOMP_SPINCOUNT"] = _SPINS
