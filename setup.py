# SPDX-License-Identifier: Apache-2.0
"""`pip install .` for machines without ROS 2: replay, training, evaluation, benchmarks.

With ROS 2 the package is built by CMakeLists.txt; the entry points in setup.cfg serve both.
"""

from setuptools import find_packages, setup

NAME = "affordance_seg_ros"
TRAINING = NAME + ".training"
PRESETS = NAME + ".presets"

setup(
    packages=[
        *find_packages(include=[NAME, NAME + ".*"]),
        TRAINING,
        PRESETS,
        *(f"{TRAINING}.{package}" for package in find_packages("training")),
    ],
    package_dir={NAME: NAME, TRAINING: "training", PRESETS: "config"},
    package_data={
        NAME: ["**/*.safetensors", "**/*.md", "evaluation/page/*", "py.typed"],
        TRAINING: ["**/*.yaml", "**/*.npz", "**/*.md", "**/*.txt"],
        PRESETS: ["*.yaml"],
    },
)
