# SPDX-License-Identifier: Apache-2.0
"""How fast the pipeline is on a machine, and how far that is from what the machine can do."""
