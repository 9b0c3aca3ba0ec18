# SPDX-License-Identifier: Apache-2.0
"""`python -m affordance_seg_ros.cli`, for launchers such as torchrun that take a module."""

import sys

from affordance_seg_ros.cli import main

sys.exit(main())
