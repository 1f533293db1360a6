"""The deployment that a command uses: the named one, that of the environment, or the one on this machine.

--stage NAME        the CloudFormation stack laurel-NAME, with the AWS credentials and region of the environment
LAUREL_TABLE, ...   the variables of Laurel's functions (`laurel stack env` prints them); with LAUREL_STAGE=local only
                    while the local stack serves at AWS_ENDPOINT_URL
otherwise           the local stack that `make run` started, found by .stack/state.json
"""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError
from botocore.session import get_session

from chalicelib import settings, wiring
from chalicelib.services.context import Context

LOCAL = "local"
# The emulator requires credentials and accepts any. boto3 reads AWS_DEFAULT_REGION, the other SDKs AWS_REGION.
LOCAL_AWS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}
# Short name of a queue -> the stack's output with its URL.
OUTPUTS = {name: "".join(part.capitalize() for part in name.split("_")) + "QueueUrl" for name in settings.QUEUES}
API_PATH = "/laurel"
READY_PATH = "/_ministack/ready"
RULESET_OUTPUT = "RulesetId"


class NoTarget(Exception):
    """There is no deployment to use. The message says what to do."""


class OtherRuleset(NoTarget):
    """The command uses another ruleset than the deployment. The message names both, and what to do."""


@dataclass
class Target:
    """The deployment in use. `stage`: as given on the command line. `ruleset`: a file that replaces the shipped one."""

    stage: str | None = None
    ruleset: Path | None = None

    @cached_property
    def variables(self) -> dict[str, str]:
        """Return the environment of Laurel's functions, and the AWS settings."""
        found = self._variables()
        if self.ruleset:
            # An absolute path replaces the file name inside the package.
            found["LAUREL_RULESET"] = str(self.ruleset.resolve())
        return found

    @cached_property
    def context(self) -> Context:
        """Return the context of all use cases, on this deployment."""
        if self.moved:
            click.echo(
                "Warning: the local stack has moved to another port. "
                'Renew the variables of this shell: eval "$(laurel stack env)"',
                err=True,
            )
        os.environ.update({name: value for name, value in self.variables.items() if name.startswith("AWS_")})
        return wiring.build(settings.read(self.variables), get_session())

    @property
    def moved(self) -> bool:
        """Return whether the environment names the local stack at a port that it has left."""
        known, found = os.environ.get("LAUREL_EVENTS_QUEUE"), self.variables["LAUREL_EVENTS_QUEUE"]
        return self.stage is None and bool(os.environ.get("LAUREL_TABLE")) and known != found

    @cached_property
    def deployed_ruleset(self) -> str:
        """Return the id of the deployment's ruleset, '' if it is unknown.

        It comes from the stack's output, which changes only with the functions. The environment may be older.
        """
        if self.stage is None and os.environ.get("LAUREL_TABLE"):
            try:
                return _outputs(os.environ.get("LAUREL_STAGE", LOCAL), {}).get(RULESET_OUTPUT, "")
            except NoTarget:
                return ""
        return self.variables.get("LAUREL_RULESET_ID", "")

    def _variables(self) -> dict[str, str]:
        if region := os.environ.get("AWS_REGION"):
            os.environ["AWS_DEFAULT_REGION"] = region  # the only name that botocore reads
        if self.stage is None and os.environ.get("LAUREL_TABLE"):
            if os.environ.get("LAUREL_STAGE") != LOCAL:
                return _with_prefix("LAUREL_")
            if _serves(endpoint := os.environ.get("AWS_ENDPOINT_URL", "")):
                return LOCAL_AWS | _with_prefix("LAUREL_") | {"AWS_ENDPOINT_URL": endpoint}
        if self.stage is None or self.stage == LOCAL:
            return _local()
        return _from_outputs(self.stage, _outputs(self.stage, {}), None)


def _with_prefix(prefix: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(prefix)}


def _serves(endpoint: str) -> bool:
    """Return whether an emulator serves at this URL. Another program may have taken its port."""
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc or "127.0.0.1:1", timeout=2)
    try:
        connection.request("GET", READY_PATH)
        answer = connection.getresponse()
        return answer.status == 200 and isinstance(json.loads(answer.read()), dict)
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()


def _local() -> dict[str, str]:
    port = next((port for file in _state_files() if (port := _port(file))), None)
    if port is None:
        raise NoTarget(
            "No local stack is ready; start it with: make run, and wait until it serves. Or name a deployment: "
            "laurel --stage NAME ..."
        )
    endpoint = f"http://127.0.0.1:{port}"
    aws = {**LOCAL_AWS, "AWS_ENDPOINT_URL": endpoint}
    try:
        found = _outputs(LOCAL, aws)
    except NoTarget as error:
        raise NoTarget("The local stack is not running; start it with: make run") from error
    return _from_outputs(LOCAL, found | {"ApiUrl": endpoint + API_PATH}, endpoint) | aws


def _state_files() -> list[Path]:
    """Return possible state files of a local stack: above the working directory, or of this package's checkout."""
    here = Path.cwd()
    homes = [here, *here.parents, Path(__file__).resolve().parents[2]]
    return [home / ".stack" / "state.json" for home in homes]


def _port(file: Path) -> int | None:
    try:
        state = json.loads(file.read_text())
    except (OSError, ValueError):
        return None
    return state.get("port") if state.get("pid") else None


def _outputs(stage: str, aws: Mapping[str, str]) -> dict[str, str]:
    session = get_session()
    options: dict[str, Any] = {}
    if aws:
        options = {
            "endpoint_url": aws["AWS_ENDPOINT_URL"],
            "region_name": aws["AWS_DEFAULT_REGION"],
            "aws_access_key_id": aws["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": aws["AWS_SECRET_ACCESS_KEY"],
        }
    name = f"laurel-{stage}"
    try:
        quick = Config(connect_timeout=3, read_timeout=20, retries={"total_max_attempts": 2, "mode": "standard"})
        client = session.create_client("cloudformation", config=quick, **options)
        stack = client.describe_stacks(StackName=name)["Stacks"][0]
    except NoRegionError as error:
        raise NoTarget("No AWS region is chosen; set AWS_REGION.") from error
    except NoCredentialsError as error:
        raise NoTarget("No AWS credentials were found; set AWS_PROFILE, or run: aws configure") from error
    except (BotoCoreError, ClientError) as error:
        if "does not exist" in str(error):
            raise NoTarget(f"There is no stack '{name}' at {client.meta.endpoint_url}.") from error
        raise NoTarget(f"The stack '{name}' could not be looked up: {error}") from error
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _from_outputs(stage: str, outputs: Mapping[str, str], endpoint: str | None) -> dict[str, str]:
    try:
        urls = {name: outputs[key] for name, key in OUTPUTS.items()}
        table, bus = outputs["TableName"], outputs["BusName"]
    except KeyError as missing:
        raise NoTarget(f"The stack 'laurel-{stage}' has no output {missing}: is it Laurel's?") from missing
    if endpoint:
        # The emulator's URLs contain the port of their creation.
        urls = {name: endpoint + urlsplit(url).path for name, url in urls.items()}
    return {
        "LAUREL_STAGE": stage,
        "LAUREL_TABLE": table,
        "LAUREL_BUS": bus,
        "LAUREL_API_URL": outputs.get("ApiUrl", ""),
        "LAUREL_RULESET_ID": outputs.get(RULESET_OUTPUT, ""),
        **{f"LAUREL_{name.upper()}_QUEUE": url for name, url in urls.items()},
    }


def refuse_other_ruleset(target: Target) -> None:
    """Refuse to work with another ruleset than the deployment's. Raises OtherRuleset if it is known to differ."""
    own, deployed = target.context.rules.id, target.deployed_ruleset
    if deployed and own != deployed:
        raise OtherRuleset(
            f"The deployment has the ruleset '{deployed}', this command '{own}': "
            "name the deployed file (laurel --ruleset FILE ...), or deploy this one first."
        )


def require_deployed_ruleset(target: Target) -> None:
    """Refuse to work unless the ruleset is known to be the deployment's. Raises OtherRuleset."""
    refuse_other_ruleset(target)
    if not target.deployed_ruleset:
        raise OtherRuleset(
            f"The deployment's ruleset is unknown and may not be '{target.context.rules.id}': deploy it again."
        )


def warn_of_other_ruleset(target: Target) -> None:
    """Warn on stderr if the ruleset is known to differ from the deployment's."""
    try:
        refuse_other_ruleset(target)
    except OtherRuleset as other:
        click.echo(f"Warning: {other}", err=True)
