# SPDX-License-Identifier: Apache-2.0
"""The command `affordance-seg`: its subcommands are imported when they run."""
