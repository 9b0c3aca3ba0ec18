# SPDX-License-Identifier: Apache-2.0
"""The attention autoencoder and its checkpoints."""
