# SPDX-License-Identifier: Apache-2.0
"""Metrics, pictures and reports of a recording."""
