# SPDX-License-Identifier: Apache-2.0
"""Offline training: data, rendering of clips, trainer."""
