# SPDX-License-Identifier: Apache-2.0
"""Compile every kernel for the GPUs named by their compute capability; needs no GPU.

python test/flow/compile_kernels.py 87 90
"""

import sys

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.runtime.jit import JITFunction

from affordance_seg_ros.flow.kernels import frame, iteration, level_end, pair, search, trial

CONSTANTS = {
    "BLOCK": 128, "PATCHES": 1, "SUMS": 1024, "ZERO": 1, "SMOOTHNESS_FLOW": 0.04,
    "SMOOTHNESS_DEPTH": 0.35, "OTHER_BRIGHTNESS": 40.0, "OTHER_SURFACE_M": 0.08, "NOT_SEEN": 2.0,
    "REACH": 2, "LARGEST_SHARE": 0.8, "SHIFTS": 128, "PIXELS": 4,
}  # fmt: skip
TYPES = {
    **dict.fromkeys(("first", "run", "runs"), "*i32"),
    **dict.fromkeys(
        ("height", "width", "fine_height", "fine_width", "coarse_height", "coarse_width", "side",
         "columns", "patches", "count"),
        "i32",
    ),
    "limit": "fp32",
    "valid": "*u8",
}  # fmt: skip


def kernels():
    for module in (frame, pair, search, iteration, level_end, trial):
        for name, found in vars(module).items():
            is_kernel = isinstance(found, JITFunction) and not name.startswith("_")
            if is_kernel and found.fn.__module__ == module.__name__:
                yield name, found


def main():
    for name, kernel in kernels():
        signature = {
            argument: "constexpr" if argument in CONSTANTS else TYPES.get(argument, "*fp32")
            for argument in kernel.arg_names
        }
        constants = {n: CONSTANTS[n] for n in kernel.arg_names if n in CONSTANTS}
        for capability in map(int, sys.argv[1:]):
            target = GPUTarget("cuda", capability, 32)
            source = ASTSource(kernel, signature, constexprs=constants)
            print(name, capability, len(triton.compile(source, target=target).asm["cubin"]))


if __name__ == "__main__":
    main()
