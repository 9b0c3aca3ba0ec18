# SPDX-License-Identifier: Apache-2.0
# Source me from bash: the venv and, once built, the package's install space.
_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
unset PYTHONPATH PYTHONHOME LD_LIBRARY_PATH COLCON_PREFIX_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE
VIRTUAL_ENV=$(cat "$_root/.colcon/venv"); export VIRTUAL_ENV
export PATH=$VIRTUAL_ENV/bin:$PATH AMENT_PREFIX_PATH=$VIRTUAL_ENV CMAKE_PREFIX_PATH=$VIRTUAL_ENV
export ROS_AUTOMATIC_DISCOVERY_RANGE=${ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}
export FASTDDS_DEFAULT_PROFILES_FILE=${FASTDDS_DEFAULT_PROFILES_FILE:-$_root/config/fastdds.xml}
# The variable's name in Jazzy; Kilted would warn about it.
if [ -e "$VIRTUAL_ENV/lib/libfastrtps.so" ]; then
    export FASTRTPS_DEFAULT_PROFILES_FILE=$FASTDDS_DEFAULT_PROFILES_FILE
fi
if [ -e "$_root/.colcon/install/local_setup.bash" ]; then . "$_root/.colcon/install/local_setup.bash"; fi
export PATH=$PATH:$_root/.colcon/install/affordance_seg_ros/lib/affordance_seg_ros
unset _root
