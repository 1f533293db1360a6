"""Operations on the service itself: its status, and its own description."""

from __future__ import annotations

from chalicelib.api.operation import PREFIX, Operation

OPERATIONS = (
    Operation(
        "read_status",
        f"{PREFIX}/status",
        "Check that the API responds",
        "service",
        use_case="chalicelib.services.operations.read_status:read_status",
        answer="Status",
    ),
    Operation(
        "read_health",
        f"{PREFIX}/health",
        "Check the parts of the deployment",
        "service",
        use_case="chalicelib.services.operations.read_health:read_health",
        answer="Health",
        optional_key=True,
        without_table=True,
        description="The table, the queues, and the last run of each scheduled function. `degraded` is still 200: "
        "requests are answered, but an operator should look. 503 if the table or a queue does not respond; the error "
        "then has the checks too. With a key that has `admin`, each check has details.",
    ),
    Operation(
        "read_openapi",
        "/openapi.json",
        "This API as OpenAPI 3.1",
        "service",
        view="chalicelib.api.operations.docs:read_openapi",
    ),
    Operation(
        "read_docs",
        "/docs",
        "This API as an HTML page",
        "service",
        media="text/html",
        view="chalicelib.api.operations.docs:read_docs",
    ),
)
