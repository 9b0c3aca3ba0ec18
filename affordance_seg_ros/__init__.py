# SPDX-License-Identifier: Apache-2.0
"""Affordance segmentation of RGB-D video: what each part of a handled object affords."""

from pkgutil import extend_path

# The interfaces (affordance_seg_ros.msg) are generated into colcon's install space; in a source
# checkout this package spans both folders.
__path__ = extend_path(__path__, __name__)

__version__ = "0.1.0"
