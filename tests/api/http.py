"""Requests as API Gateway hands them to the Lambda, and its answers."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from chalice.local import RouteMatcher

from chalicelib.api.app import app

# A recorded event of a REST API's proxy integration; the tests fill in the parts that vary.
EVENT: dict[str, Any] = {
    "resource": "",
    "path": "",
    "httpMethod": "",
    "headers": {},
    "multiValueHeaders": {},
    "queryStringParameters": None,
    "multiValueQueryStringParameters": None,
    "pathParameters": None,
    "stageVariables": None,
    "requestContext": {
        "resourceId": "ab12cd",
        "resourcePath": "",
        "httpMethod": "",
        "extendedRequestId": "Lz8kXHvSoAMEJ2A=",
        "requestTime": "19/May/2026:12:00:00 +0000",
        "path": "/laurel",
        "accountId": "123456789012",
        "protocol": "HTTP/1.1",
        "stage": "laurel",
        "domainPrefix": "a1b2c3d4e5",
        "requestTimeEpoch": 1779192000000,
        "requestId": "7c0bd4a1-6f4c-4c4e-8b8f-6a7f0f4d2a11",
        "identity": {"sourceIp": "203.0.113.7", "userAgent": "curl/8.5.0", "apiKey": None},
        "domainName": "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com",
        "apiId": "a1b2c3d4e5",
    },
    "body": None,
    "isBase64Encoded": False,
}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def event_of(method: str, path: str, headers: dict[str, str], body: str | None) -> dict[str, Any]:
    """Return the Lambda event of a request to an existing route."""
    matched = RouteMatcher(list(app.routes)).match_route(path)
    event = json.loads(json.dumps(EVENT))
    event |= {"resource": matched.route, "path": path.split("?")[0], "httpMethod": method, "body": body}
    event["requestContext"] |= {"resourcePath": matched.route, "httpMethod": method}
    event["headers"], event["multiValueHeaders"] = headers, {name: [value] for name, value in headers.items()}
    event["pathParameters"] = matched.captured or None
    event["multiValueQueryStringParameters"] = matched.query_params or None
    return event


def invoke(event: dict[str, Any]) -> Answer:
    """Return the response of the API's Lambda to an event."""
    raw = app(event, None)
    json.dumps(raw)
    body = b64decode(raw["body"]).decode() if raw.get("isBase64Encoded") else raw["body"]
    return Answer(raw["statusCode"], raw["headers"], body)


def request(
    method: str, path: str, *, key: str = "", body: Any = None, headers: dict[str, str] | None = None
) -> Answer:
    """Send one request; a body that is not text is sent as JSON."""
    sent = dict(headers or {})
    if key:
        sent["X-API-Key"] = key
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
    if body is not None:
        sent.setdefault("Content-Type", "application/json")
    return invoke(event_of(method, path, sent, body))
