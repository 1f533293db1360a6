"""What API Gateway answers by itself, its throttle, and the laptop's stable base URL."""

from __future__ import annotations

from typing import Any

from infra.settings import API_STAGE, LOCAL_HOST, Build

Json = dict[str, Any]

# Beside the allowed origin; the preflight answers, which browsers ask for headers and methods, are Chalice's.
CORS = {"Access-Control-Expose-Headers": "Retry-After"}

# The gateway's own refusals: response type -> status, sentence and code of Laurel's error body. None keeps what
# the gateway says in the case at hand, which for the two defaults is one of many.
REFUSALS: dict[str, tuple[int | None, str | None, str]] = {
    "DEFAULT_4XX": (None, None, "invalid_request"),
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
    return {kind: _refusal(build, *answer) for kind, answer in REFUSALS.items()}


def _refusal(build: Build, status: int | None, sentence: str | None, code: str) -> Json:
    text = f'"{sentence}"' if sentence else "$context.error.messageString"
    headers = CORS | {"Access-Control-Allow-Origin": build.cors_origin}
    if status == 429:
        headers["Retry-After"] = "1"
    answer: Json = {
        "responseParameters": {f"gatewayresponse.header.{name}": f"'{value}'" for name, value in headers.items()},
        "responseTemplates": {"application/json": f'{{"error": {text}, "code": "{code}"}}'},
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
