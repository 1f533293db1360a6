"""Responses that API Gateway generates itself, its throttle, and the stable base URL of the local stack."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.core.sentences import NO_OPERATION
from infra.settings import API_STAGE, LOCAL_HOST, Build

Json = dict[str, Any]

# Headers besides the allowed origin. Chalice answers preflight requests for headers and methods.
HEADERS = {"Access-Control-Expose-Headers": "Retry-After", "X-Content-Type-Options": "nosniff"}
# Response type -> seconds after which the same request may be retried. A template cannot choose at random.
RETRY_AFTER_S = {"DEFAULT_5XX": "2", "THROTTLED": "1", "QUOTA_EXCEEDED": "1", "INTEGRATION_TIMEOUT": "2"}

# Response type -> status, sentence and code of Laurel's error body. Status None keeps the original one, which for the
# two defaults may be any. A template can quote the gateway's own message, but cannot end it with a full stop.
REFUSALS: dict[str, tuple[int | None, str, str]] = {
    "DEFAULT_4XX": (None, "The request is not valid.", "invalid_request"),
    "DEFAULT_5XX": (None, "The service is not available; try again.", "unavailable"),
    "UNAUTHORIZED": (401, "A valid API key is required, as 'X-API-Key' or 'Authorization: Bearer'.", "unauthenticated"),
    "MISSING_AUTHENTICATION_TOKEN": (404, NO_OPERATION, "not_found"),
    "ACCESS_DENIED": (403, "The key lacks the required permission.", "forbidden"),
    "THROTTLED": (429, "Too many requests; try again later.", "rate_limited"),
    "QUOTA_EXCEEDED": (429, "Too many requests; try again later.", "rate_limited"),
    "REQUEST_TOO_LARGE": (413, "The body is larger than allowed.", "payload_too_large"),
    "INTEGRATION_TIMEOUT": (504, "The response took too long; try again.", "timeout"),
}

# Shorter responses gain nothing. The gateway compresses on AWS, the emulator does not.
MIN_COMPRESSED_BYTES = 1024

# Protects the Lambda concurrency of the account, in front of Laurel's own limits per key.
THROTTLE = {"ThrottlingRateLimit": 500, "ThrottlingBurstLimit": 1000}


def refusals(build: Build) -> Json:
    """Return the swagger extension for gateway responses.

    A change of it creates a new deployment; separate resources would not.
    """
    return {kind: _refusal(build, kind, *answer) for kind, answer in REFUSALS.items()}


def _refusal(build: Build, kind: str, status: int | None, sentence: str, code: str) -> Json:
    headers = HEADERS | {"Access-Control-Allow-Origin": build.cors_origin}
    if kind in RETRY_AFTER_S:
        headers["Retry-After"] = RETRY_AFTER_S[kind]
    answer: Json = {
        "responseParameters": {f"gatewayresponse.header.{name}": f"'{value}'" for name, value in headers.items()},
        "responseTemplates": {"application/json": f'{{"error":"{sentence}","code":"{code}"}}'},
    }
    if status:
        answer["statusCode"] = str(status)
    return answer


def rest_api(build: Build) -> Json:
    return {
        "Name": build.prefix,
        "MinimumCompressionSize": MIN_COMPRESSED_BYTES,
        "DefinitionBody": {"x-amazon-apigateway-gateway-responses": refusals(build)},
        "MethodSettings": [{"ResourcePath": "/*", "HttpMethod": "*", "MetricsEnabled": True, **THROTTLE}],
    }


def local_domain() -> Json:
    """Return resources that keep the API at one URL although its id changes with its routes."""
    return {
        "LocalDomain": {
            "Type": "AWS::ApiGateway::DomainName",
            "Properties": {"DomainName": LOCAL_HOST, "EndpointConfiguration": {"Types": ["REGIONAL"]}},
        },
        "LocalBasePath": {
            "Type": "AWS::ApiGateway::BasePathMapping",
            # The stage exists only after Chalice's API; SAM derives its logical id from both.
            "DependsOn": [f"RestAPI{API_STAGE}Stage"],
            "Properties": {
                "DomainName": {"Ref": "LocalDomain"},
                "BasePath": API_STAGE,
                "RestApiId": {"Ref": "RestAPI"},
                "Stage": API_STAGE,
            },
        },
    }
