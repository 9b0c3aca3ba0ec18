# SPDX-License-Identifier: Apache-2.0
"""Fused Triton kernels of the primal-dual scene flow, and the order in which they run."""
