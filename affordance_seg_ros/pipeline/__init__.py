# SPDX-License-Identifier: Apache-2.0
"""Frames in, predictions out."""
