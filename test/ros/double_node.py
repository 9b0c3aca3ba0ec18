# SPDX-License-Identifier: Apache-2.0
"""The affordance node in its own process, around the pipeline double."""

import sys

from affordance_seg_ros.ros.process import Runnable, run


def create() -> Runnable:
    from double_pipeline import build_double

    from affordance_seg_ros.ros.node import AffordanceNode

    return AffordanceNode(build=build_double)


if __name__ == "__main__":
    sys.exit(run("affordance", create))
