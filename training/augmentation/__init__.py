# SPDX-License-Identifier: Apache-2.0
"""Changes of a training sample that leave colour, depth, flow and label consistent."""
