# SPDX-License-Identifier: Apache-2.0
"""Rendered interaction clips with exact labels, depth and 3D flow."""
