# SPDX-License-Identifier: Apache-2.0
from affordance_seg_ros.model.network import AffordanceNetwork
from affordance_seg_ros.model.variants import table_3
from affordance_seg_ros.training.ablation import row_of_table_3
from affordance_seg_ros.training.objective import freeze
from affordance_seg_ros.training.run_config import read_run


def test_rows_differ_by_the_network_and_only_those_with_flow_learn_motion():
    run = read_run("ablation")
    for name, network in table_3(run.network).items():
        row = row_of_table_3(run, name, network)
        assert row.network == network
        freeze(AffordanceNetwork(row.network), row.stages[-1].frozen)  # knows all parts
        learned = [stage.name for stage in row.stages]
        motion = ["motion"] if "flow" in name else []
        assert learned == ["parts", *motion, "last_frame"]
