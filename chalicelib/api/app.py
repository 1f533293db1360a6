"""The API's Lambda: a Chalice application with a route for each operation."""

from chalice.app import Chalice

from chalicelib.api.http import add_route, guard
from chalicelib.api.registry import OPERATIONS

app = Chalice(app_name="laurel")
app.register_middleware(guard, "http")
for operation in OPERATIONS:
    add_route(app, operation)
