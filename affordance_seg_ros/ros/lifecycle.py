# SPDX-License-Identifier: Apache-2.0
"""A lifecycle node that survives a transition that its state does not allow."""

from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn

_CHANGE_STATE = "_LifecycleNodeMixin__change_state"


class ForgivingLifecycleNode(LifecycleNode):
    """Refuses a transition that does not start from its current state, and keeps running.

    Newer rclpy does so itself; that of Jazzy lets rcl's error escape from the service and end the
    node, and nothing else can catch it, as rclpy answers before any other code is involved.
    """


def _change_state(node: LifecycleNode, transition_id: int) -> TransitionCallbackReturn:
    try:
        found: TransitionCallbackReturn = getattr(LifecycleNode, _CHANGE_STATE)(node, transition_id)
        return found
    except rclpy_implementation.RCLError as error:
        node.get_logger().error(f"transition {transition_id} refused: {error}")
        return TransitionCallbackReturn.ERROR


if hasattr(LifecycleNode, _CHANGE_STATE):
    setattr(ForgivingLifecycleNode, _CHANGE_STATE, _change_state)
