"""Deploy Laurel on the local emulator.

    with running_stack(directory) as stack:       # a stack of its own, for a test
        stack.api_url, stack.queue_urls["events"], stack.table, stack.client("sqs")

`python -m infra.local.stack start|stop|status|endpoint` controls the stack in .stack/.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from infra import cloudformation
from infra.gateway import refusals
from infra.local.emulator import CREDENTIALS, HOME, REGION, Emulator, EmulatorError
from infra.package import DEFAULT_RULESET, Package, chosen, package
from infra.settings import API_STAGE, QUEUES, SettingError

STAGE = "local"
STACK_NAME = "laurel-local"
BUCKET = "laurel-local-builds"
POLL_S = 0.1


@dataclass
class Stack:
    """A deployed Laurel. URLs and names are set by `start`.

    `queue_urls`: by key (events, own, backfill, boards, rejected, dead_letter, boards_dead_letter).
    """

    directory: Path
    enforcing: bool = False  # IAM policies are enforced
    ruleset: str = DEFAULT_RULESET
    table: str = ""
    bus: str = ""
    queue_urls: dict[str, str] = field(default_factory=dict)
    fresh: bool = False  # no data of an earlier run was found
    changed: bool = False  # this start deployed something
    recovered: bool = False  # the last run crashed: its state may be up to a minute old

    @property
    def emulator(self) -> Emulator:
        return Emulator(self.directory, self.enforcing)

    @property
    def endpoint_url(self) -> str:
        return self.emulator.endpoint_url

    @property
    def api_url(self) -> str:
        """Return the base URL, without a trailing slash. It stays the same while the port is free."""
        return f"{self.endpoint_url}/{API_STAGE}"

    def client(self, service: str) -> Any:
        return self.emulator.client(service)

    def workers(self, function: str | None = None) -> dict[int, str]:
        """Return process id -> function of the Lambda workers, such as laurel-local-progress."""
        return self.emulator.workers(function)

    def environment(self) -> dict[str, str]:
        """Return the LAUREL_* and AWS_* variables with which a process uses this stack as Laurel's functions do."""
        found = {
            "LAUREL_STAGE": STAGE,
            "LAUREL_TABLE": self.table,
            "LAUREL_BUS": self.bus,
            "LAUREL_RULESET": self.ruleset,
            "LAUREL_TRACING": "0",
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }
        found |= {key.upper(): value for key, value in CREDENTIALS.items()}
        return found | {f"LAUREL_{key.upper()}_QUEUE": url for key, url in self.queue_urls.items()}

    def start(self, built: Package | None = None, *, tied: bool = False) -> None:
        """Start the emulator and deploy `built` (default: the current sources)."""
        built = built or package(chosen(STAGE, "local"))
        self.recovered = self.emulator.crashed()
        self.emulator.start(tied=tied)
        self._deploy(built)

    def stop(self) -> None:
        self.emulator.stop()

    def attach(self) -> bool:
        """Read names and URLs of a running stack; return whether it is running."""
        if not self.emulator.healthy():
            return False
        deployed = cloudformation.describe(self.client("cloudformation"), STACK_NAME)
        if deployed is None:
            return False
        self._learn(deployed)
        return True

    def _deploy(self, built: Package) -> None:
        client, s3 = self.client("cloudformation"), self.client("s3")
        before = cloudformation.describe(client, STACK_NAME)
        self.fresh = before is None
        self.ruleset = built.build.ruleset.name if built.build.ruleset else DEFAULT_RULESET
        # After a crash the emulator may know the bucket although everything else is lost.
        with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=BUCKET)
        sent = cloudformation.upload(s3, BUCKET, built)
        self.changed = cloudformation.deployed_digest(before) != sent.digest
        after = cloudformation.deploy(client, STACK_NAME, sent, poll_s=POLL_S) if self.changed else before
        assert after is not None
        self._learn(after)
        if self.changed:
            self._expire()
            self._refuse_as_on_aws(built, cloudformation.outputs(after)["RestAPIId"])

    def _learn(self, deployed: dict[str, Any]) -> None:
        values = cloudformation.outputs(deployed)
        self.table, self.bus = values["TableName"], values["BusName"]
        # The queues' URLs contain the port of their creation, which may have been taken since.
        paths = {queue.key: urlsplit(values[f"{queue.logical_id}Url"]).path for queue in QUEUES}
        self.queue_urls = {key: self.endpoint_url + path for key, path in paths.items()}

    def _expire(self) -> None:
        """Enable the table's TTL: the emulator's CloudFormation ignores it."""
        client = self.client("dynamodb")
        found = client.describe_time_to_live(TableName=self.table)["TimeToLiveDescription"]
        if found["TimeToLiveStatus"] not in {"ENABLED", "ENABLING"}:
            enabled = {"AttributeName": "expires", "Enabled": True}
            client.update_time_to_live(TableName=self.table, TimeToLiveSpecification=enabled)

    def _refuse_as_on_aws(self, built: Package, api: str) -> None:
        """Set the gateway responses: the emulator does not read them from the API's definition."""
        client = self.client("apigateway")
        for kind, answer in refusals(built.build).items():
            client.put_gateway_response(restApiId=api, responseType=kind, **answer)
        client.create_deployment(restApiId=api, stageName=API_STAGE)


@contextlib.contextmanager
def running_stack(directory: Path, built: Package | None = None, *, enforcing: bool = False) -> Iterator[Stack]:
    """Run a separate stack in `directory`, on its own port; stop it at the end of the block, and keep its state."""
    stack = Stack(directory.resolve(), enforcing)
    try:
        stack.start(built, tied=True)
        yield stack
    finally:
        stack.stop()


def main(arguments: list[str]) -> int:
    stack = Stack(HOME)
    try:
        match arguments:
            case ["start"]:
                stack.start()
                print(json.dumps(_facts(stack), indent=2))
            case ["stop"]:
                stack.stop()
            case ["status"]:
                running = stack.attach()
                print(json.dumps({"running": running, **(_facts(stack) if running else {})}, indent=2))
                return 0 if running else 3
            case ["endpoint"]:
                if not stack.emulator.healthy():
                    print("error: the local stack is not running; start it with: make run", file=sys.stderr)
                    return 3
                print(stack.endpoint_url)
            case _:
                print("usage: python -m infra.local.stack start|stop|status|endpoint", file=sys.stderr)
                return 2
    except (SettingError, EmulatorError, cloudformation.DeployError, ClientError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _facts(stack: Stack) -> dict[str, Any]:
    return {
        "api": stack.api_url,
        "endpoint": stack.endpoint_url,
        "log": str(stack.emulator.log),
        "workers": len(stack.workers()),
        "environment": stack.environment(),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
