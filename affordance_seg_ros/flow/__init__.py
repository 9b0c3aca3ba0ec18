# SPDX-License-Identifier: Apache-2.0
"""3D motion between consecutive RGB-D frames."""
