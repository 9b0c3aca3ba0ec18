# SPDX-License-Identifier: Apache-2.0
"""Labelled RGB-D sequences from every data set that training knows."""
