# SPDX-License-Identifier: Apache-2.0
"""A lifecycle node that survives a transition which its state does not know."""

from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn

_CHANGE_STATE = "_LifecycleNodeMixin__change_state"


class ForgivingLifecycleNode(LifecycleNode):
    """Refuses a transition that does not start from the state that it is in, and lives on.

    Newer rclpy does so itself; that of Jazzy lets rcl's error leave the service and end the node,
    and has no other place to catch it, as it answers before anybody else hears of it.
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
