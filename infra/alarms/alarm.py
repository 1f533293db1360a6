"""An alarm as CloudFormation wants it: one metric, or an expression over several."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from infra.settings import Build

Json = dict[str, Any]
Missing = Literal["breaching", "notBreaching", "ignore"]

PERIOD_S = 300  # most metrics are written every minute, and an alarm some minutes late costs nothing
HAS_TOPIC = "HasAlarmTopic"
ABOVE, BELOW = "GreaterThanThreshold", "LessThanThreshold"


@dataclass(frozen=True)
class Metric:
    """A metric. `statistic`: Sum, Maximum, or a percentile such as p95. `dimensions`: all that it is written with."""

    namespace: str
    name: str
    statistic: str
    dimensions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> Json:
        dimensions = [{"Name": name, "Value": value} for name, value in self.dimensions.items()]
        return {"Namespace": self.namespace, "MetricName": self.name, "Dimensions": dimensions}


@dataclass(frozen=True)
class Alarm:
    """An alarm. `section`: the heading of its section in the runbook. `text`: what is wrong, in one sentence.

    `metrics`: one, or by id those of the `expression`. It compares `periods` of `period_s` seconds, all of which must
    breach. `missing`: what a period without data counts as; `why`: the reason.
    """

    logical_id: str
    name: str
    section: str
    text: str
    metrics: Metric | Mapping[str, Metric]
    threshold: int
    missing: Missing
    why: str
    expression: str = ""
    comparison: str = ABOVE
    period_s: int = PERIOD_S
    periods: int = 1

    def resource(self, build: Build) -> Json:
        """Return the resource. The description links the section of the runbook."""
        actions = {"Fn::If": [HAS_TOPIC, [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
        return {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": f"{build.prefix}-{self.name}",
                "AlarmDescription": f"{self.text} {build.runbook}#{anchor(self.section)}",
                **self._watched(),
                "EvaluationPeriods": self.periods,
                "Threshold": self.threshold,
                "ComparisonOperator": self.comparison,
                "TreatMissingData": self.missing,
                "AlarmActions": actions,
                "OKActions": actions,
            },
        }

    def _watched(self) -> Json:
        if not isinstance(self.metrics, Metric):
            queries = [
                {"Id": id_, "MetricStat": self._statistic(metric), "ReturnData": False}
                for id_, metric in self.metrics.items()
            ]
            return {"Metrics": [{"Id": "value", "Expression": self.expression, "ReturnData": True}, *queries]}
        watched = {**self.metrics.identity, "Period": self.period_s}
        if self.metrics.statistic.startswith("p"):
            # A percentile of a few requests is the slowest of them, which mostly is a cold start.
            percentile = {"ExtendedStatistic": self.metrics.statistic, "EvaluateLowSampleCountPercentile": "ignore"}
            return watched | percentile
        return watched | {"Statistic": self.metrics.statistic}

    def _statistic(self, metric: Metric) -> Json:
        return {"Metric": metric.identity, "Period": self.period_s, "Stat": metric.statistic}


def anchor(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def parameters() -> Json:
    text = "An SNS topic that receives alarms; empty: they only show in CloudWatch."
    return {"AlarmTopicArn": {"Type": "String", "Default": "", "Description": text}}


def conditions() -> Json:
    return {HAS_TOPIC: {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmTopicArn"}, ""]}]}}
