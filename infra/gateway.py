"""What API Gateway answers by itself, its throttle, and the laptop's stable base URL."""

from __future__ import annotations

from typing import Any

from infra.settings import API_STAGE, LOCAL_HOST, Build

Json = dict[str, Any]

# Beside the allowed origin; the preflight answers, which browsers ask for headers and methods, are Chalice's.
HEADERS = {"Access-Control-Expose-Headers": "Retry-After", "X-Content-Type-Options": "nosniff"}
# Statuses after which the same request may be sent again, in seconds. A template cannot choose at random.
RETRY_AFTER_S = {"DEFAULT_5XX": "2", "THROTTLED": "1", "QUOTA_EXCEEDED": "1", "INTEGRATION_TIMEOUT": "2"}

# The gateway's own refusals: response type -> status, sentence and code of Laurel's error body. None keeps the
# status of the case at hand, which for the two defaults is one of many. A template can quote what the gateway says,
# but cannot end it with a full stop.
REFUSALS: dict[str, tuple[int | None, str, str]] = {
    "DEFAULT_4XX": (None, "This is no request that the API takes.", "invalid_request"),
    "DEFAULT_5XX": (None, "The service is not available; try again.", "unavailable"),
    "UNAUTHORIZED": (401, "A valid API key is needed, as 'X-API-Key' or 'Authorization: Bearer'.", "unauthenticated"),
    "MISSING_AUTHENTICATION_TOKEN": (404, "There is nothing at this path.", "not_found"),
    "ACCESS_DENIED": (403, "This key may not do that.", "forbidden"),
    "THROTTLED": (429, "Too many requests; try again later.", "rate_limited"),
    "QUOTA_EXCEEDED": (429, "Too many requests; try again later.", "rate_limited"),
    "REQUEST_TOO_LARGE": (413, "The body is larger than allowed.", "payload_too_large"),
    "INTEGRATION_TIMEOUT": (504, "The answer took too long; try again.", "timeout"),
}

# In front of the limits per key, which Laurel counts itself: protects the account's Lambda concurrency.
THROTTLE = {"ThrottlingRateLimit": 500, "ThrottlingBurstLimit": 1000}


def refusals(build: Build) -> Json:
    """The swagger extension: a change of it makes a new deployment, as resources of their own would not."""
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
        "DefinitionBody": {"x-amazon-apigateway-gateway-responses": refusals(build)},
        "MethodSettings": [{"ResourcePath": "/*", "HttpMethod": "*", "MetricsEnabled": True, **THROTTLE}],
    }


def local_domain() -> Json:
    """Resources that keep the API at one URL although its id changes with its routes."""
    return {
        "LocalDomain": {
            "Type": "AWS::ApiGateway::DomainName",
            "Properties": {"DomainName": LOCAL_HOST, "EndpointConfiguration": {"Types": ["REGIONAL"]}},
        },
        "LocalBasePath": {
            "Type": "AWS::ApiGateway::BasePathMapping",
            # The stage exists once Chalice's API does; SAM names its logical id after both.
            "DependsOn": [f"RestAPI{API_STAGE}Stage"],
            "Properties": {
                "DomainName": {"Ref": "LocalDomain"},
                "BasePath": API_STAGE,
                "RestApiId": {"Ref": "RestAPI"},
                "Stage": API_STAGE,
            },
        },
    }
