"""`make deploy STAGE=...`: build the package, upload it, and update the CloudFormation stack laurel-<stage>.

Uses the AWS credentials and region of the environment. BUCKET names an existing bucket for the builds; without it
one is created per account and region. ALARM_TOPIC is the ARN of an SNS topic that receives alarms. IMPORT=1 begins a
new stack with the table and queues that an earlier one kept.
TABLE names an existing table to use, such as a restored one.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from infra import cloudformation, dependencies
from infra.builds import delete_old_builds
from infra.kept import import_kept
from infra.package import chosen, package
from infra.settings import APP, Build, SettingError

DEFAULT_REGION_OF_S3 = "us-east-1"  # CreateBucket accepts no location constraint for it


def deploy(stage: str, session: Any) -> dict[str, str]:
    """Deploy `stage` with a boto3 session; return the stack's outputs.

    Raises SettingError, DeployError or a botocore error. Nothing is changed before the package is built.
    """
    dependencies.check_deployable()
    account = session.client("sts").get_caller_identity()["Account"]
    _check_table(session.client("cloudformation"), chosen(stage, "aws"))
    built = package(chosen(stage, "aws"))
    for path in (built.zip, *built.layers):
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB", file=sys.stderr)
    s3, client = session.client("s3"), session.client("cloudformation")
    given = os.environ.get("BUCKET")
    bucket = given or _own_bucket(s3, session.region_name, account)
    sent = cloudformation.upload(s3, bucket, built)
    parameters = {"AlarmTopicArn": os.environ.get("ALARM_TOPIC", "")}
    print(f"deploying {built.build.prefix} in {session.region_name} ...", file=sys.stderr)
    if os.environ.get("IMPORT") == "1":
        import_kept(client, session.client("dynamodb"), session.client("sqs"), built.build)
    stack = cloudformation.deploy(client, built.build.prefix, sent, parameters)
    if built.build.protected:
        cloudformation.protect(client, built.build.prefix)
    if not given:
        _clean(s3, client, bucket, stage)
    return cloudformation.outputs(stack)


def _check_table(client: Any, build: Build) -> None:
    """Raise SettingError if the stack uses another table than the build and TABLE does not say so."""
    stack = cloudformation.describe(client, build.prefix)
    used = cloudformation.outputs(stack).get("TableName") if stack else None
    if used and used != build.table_name and not os.environ.get("TABLE"):
        raise SettingError(
            f"The stage uses the table {used}. Deploy with TABLE={used} to keep it, or with TABLE={build.table_name} "
            "to return to the stack's own table."
        )


def _clean(s3: Any, client: Any, bucket: str, stage: str) -> None:
    """Delete old builds. A failure is no failure of the deployment: the next one deletes them."""
    try:
        deleted = delete_old_builds(s3, client, bucket, stage, datetime.now(UTC))
    except (BotoCoreError, ClientError) as error:
        print(f"warning: old builds were not deleted: {error}", file=sys.stderr)
        return
    if deleted:
        print(f"{len(deleted)} files of old builds deleted", file=sys.stderr)


def _own_bucket(s3: Any, region: str, account: str) -> str:
    """Return the bucket of builds; create it if needed: private, encrypted, without a rule that expires builds."""
    bucket = f"{APP}-builds-{account}-{region}"
    if not _exists(s3, bucket, account):
        _create_bucket(s3, bucket, region)
    # It replaces the rule of earlier releases, which expired all builds after 90 days.
    rule = {"ID": "stopped-uploads", "Status": "Enabled", "Filter": {"Prefix": ""}}
    rule["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": 7}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    return bucket


def _exists(s3: Any, bucket: str, account: str) -> bool:
    try:
        s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"404", "NoSuchBucket"}:
            raise
        return False
    return True


def _create_bucket(s3: Any, bucket: str, region: str) -> None:
    place = {} if region == DEFAULT_REGION_OF_S3 else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=bucket, **place)
    blocked = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=blocked)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not arguments[0]:
        print("error: name the stage: make deploy STAGE=prod", file=sys.stderr)
        return 2
    try:
        # boto3 itself reads AWS_DEFAULT_REGION only.
        session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
        if session.region_name is None:
            raise NoRegionError
        found = deploy(arguments[0], session)
    except NoCredentialsError:
        print("error: no AWS credentials found; set AWS_PROFILE, or run: aws configure", file=sys.stderr)
        return 1
    except NoRegionError:
        print("error: no AWS region chosen; set AWS_REGION", file=sys.stderr)
        return 1
    except (SettingError, cloudformation.DeployError, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for key in sorted(found):
        print(f"{key}: {found[key]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
