"""The API's description, made at packaging: the OpenAPI document, and a page of it."""
