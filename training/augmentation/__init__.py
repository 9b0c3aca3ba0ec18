# SPDX-License-Identifier: Apache-2.0
"""Changes to a training sample that keep colour, depth, flow and label consistent."""
