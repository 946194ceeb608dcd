"""Writes the logs in this folder: pip install crfm-helm==0.5.16, then `python write.py` here."""

import json
from pathlib import Path

from helm.benchmark.adaptation.adapter_spec import AdapterSpec
from helm.benchmark.adaptation.request_state import RequestState
from helm.benchmark.adaptation.scenario_state import ScenarioState
from helm.benchmark.augmentations.perturbation_description import PerturbationDescription
from helm.benchmark.metrics.metric import Metric
from helm.benchmark.metrics.metric_name import MetricName
from helm.benchmark.metrics.statistic import Stat
from helm.benchmark.runner import remove_per_instance_stats_nans, remove_stats_nans
from helm.benchmark.scenarios.scenario import CORRECT_TAG, Input, Instance, Output, Reference
from helm.common.general import asdict_without_nones
from helm.common.request import GeneratedOutput, Request, RequestResult


class ExactMatch(Metric):
    """The tool groups requests by trial and instance, adds split and perturbation, and averages."""

    def evaluate_generation(self, _, request_state, *__):
        answer = request_state.result.completions[0].text if request_state.result.completions else ""
        right = request_state.instance.references[0].output.text
        return [
            Stat(MetricName("exact_match")).add(answer == right),
            Stat(MetricName("quasi_length")).add(len(answer) / 4 if answer else float("nan")),
            Stat(MetricName("num_references")).add(1),
            Stat(MetricName("num_prompt_tokens")).add(9),
            Stat(MetricName("num_output_tokens")).add(len(answer)),
            Stat(MetricName("inference_runtime")).add(request_state.result.request_time),
        ]


def instance(i, perturbation=None):
    reference = Reference(output=Output(text=str(i + 3)), tags=[CORRECT_TAG])
    return Instance(
        input=Input(text=f"What is {i} plus 3?" if perturbation is None else f"what is {i} plus  3"),
        references=[reference],
        split="valid" if i < 2 else "test",
        id=f"id{i}",
        perturbation=perturbation,
    )


def state(one, trial):
    i, failed = int(one.id[2:]), one.id == "id4"
    text = "429 Too Many Requests" if i == 3 else str(i + 3 + (i == 2 and trial == 1))
    completions = [] if failed else [GeneratedOutput(text=text, logprob=0, tokens=[])]
    return RequestState(
        instance=one,
        reference_index=None,
        request_mode=None,
        train_trial_index=trial,
        output_mapping=None,
        request=Request(model="acme/fake", model_deployment="acme/fake", prompt=one.input.text),
        result=RequestResult(
            success=not failed,
            embedding=[],
            completions=completions,
            cached=False,
            request_time=0.5,
            error="503 Service Unavailable" if failed else None,
        ),
        num_train_instances=0,
        prompt_truncated=False,
    )


robust = PerturbationDescription(name="lowercase", robustness=True)
instances = [made for i in range(5) for made in (instance(i), instance(i, robust))]
adapter = AdapterSpec(method="generation", num_train_trials=2, model="acme/fake", model_deployment="acme/fake")
scenario = ScenarioState(adapter, [state(one, trial) for trial in range(2) for one in instances])
found = ExactMatch().evaluate(scenario, None, "", 1)
written = {
    "per_instance_stats": list(map(asdict_without_nones, remove_per_instance_stats_nans(found.per_instance_stats))),
    "stats": [asdict_without_nones(stat) for stat in remove_stats_nans(found.aggregated_stats)],
    "scenario_state": asdict_without_nones(scenario),
}
for name, document in written.items():
    Path(f"{name}.json").write_text(json.dumps(document, indent=2))
