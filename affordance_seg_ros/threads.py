# SPDX-License-Identifier: Apache-2.0
"""How the threads of PyTorch behave on a processor that they share with others."""

import os
import sys

_POLICIES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
_SPINS = "10000"


def share_processor() -> None:
    """Let threads that wait for each other sleep after a moment; call it before torch is loaded.

    OpenMP's threads spin at the end of each operation until all are done. Beside other busy
    processes, a robot's usual state, they so burn the time that the last one needs; if they sleep
    at once, waking them costs more than the operation. Measured with `affordance-seg replay` of
    the demo recording (compact network, two cores), median time of the network in a frame: 25 ms
    with 10,000 spins, 27 ms with endless ones and 48 ms with none; beside two busy processes 73 to
    79, 135 and 85 ms. A policy that the user has set is left alone.

    Raises:
        RuntimeError: torch is loaded already, and with it its threads.
    """
    if any(policy in os.environ for policy in _POLICIES):
        return
    if "torch" in sys.modules:
        raise RuntimeError("share_processor() after torch was imported; call it before")
    os.environ["GOMP_SPINCOUNT"] = _SPINS
