# SPDX-License-Identifier: Apache-2.0
import os

import torch

# Read when the kernels are first imported: without a GPU Triton interprets them on the CPU.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")
