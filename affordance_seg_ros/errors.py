# SPDX-License-Identifier: Apache-2.0
"""Errors that a user can cause; each message says what was given and what is accepted."""


class AffordanceError(Exception):
    """Base of every error that bad input, bad files or a missing device can raise."""


class ConfigError(AffordanceError):
    """An option is unknown or outside its range."""


class EncodingError(AffordanceError):
    """An image message has an encoding, size or data length that cannot be decoded."""


class CalibrationError(AffordanceError):
    """Camera intrinsics, distortion or extrinsics are missing, not finite or impossible."""


class FrameError(AffordanceError):
    """A frame is unusable: sizes that differ, no valid depth, or scores that are not numbers."""


class SourceError(AffordanceError):
    """A bag, clip or recording cannot be read, or lacks what is needed."""


class CheckpointError(AffordanceError):
    """A weight file is missing, damaged, or not one of ours."""


class TrainingError(AffordanceError):
    """A training run cannot continue."""


class DeviceError(AffordanceError):
    """The requested compute device or camera is not there."""


class TransformError(AffordanceError):
    """A frame cannot be transformed into another at the requested time."""
