# SPDX-License-Identifier: Apache-2.0
"""How frames come in: decoding of image messages, pairing, bags, clips."""
