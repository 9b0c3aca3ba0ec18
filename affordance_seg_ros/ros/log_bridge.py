# SPDX-License-Identifier: Apache-2.0
"""Forwards log records of the parts of the package without ROS to the node's log."""

import logging

from rclpy.impl.rcutils_logger import RcutilsLogger

_SOURCE = "affordance_seg_ros"


class LogBridge(logging.Handler):
    """Passes records of Python's logging on to a node's logger.

    Args:
        logger: The node's logger.
    """

    def __init__(self, logger: RcutilsLogger) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record at its own severity."""
        # One call per severity: rclpy refuses to change the severity of a call site.
        if record.levelno >= logging.ERROR:
            self._logger.error(record.getMessage())
        elif record.levelno >= logging.WARNING:
            self._logger.warning(record.getMessage())
        elif record.levelno >= logging.INFO:
            self._logger.info(record.getMessage())
        else:
            self._logger.debug(record.getMessage())


def bridge_logging(logger: RcutilsLogger) -> None:
    """Send the package's log of this process to a node's logger, and nowhere else."""
    source = logging.getLogger(_SOURCE)
    source.handlers = [LogBridge(logger)]
    source.propagate = False
    source.setLevel(logging.INFO)
